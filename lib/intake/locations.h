// Locations in an ingest request that a source names: of the event type, and of what makes a
// request recognisable when it comes again.
//
//   request.header.X-Id      a header (also "Header")
//   request.body.data.id     a field of the JSON or form body (also "Body"); numbers index arrays
//   request.query.id         a query parameter (also "QueryParam", "queryparam")
//
// "req." may stand for "request.".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/http.h"
#include "convoy/model.h"
#include "lib/body/body_view.h"

namespace convoy::intake {

inline constexpr size_t kLocationBytesMax = 512;
inline constexpr size_t kLocationsMax = 16;  // idempotency keys of one source

// Whether a source may be created with this. The messages are those that clients know.
absl::Status CheckIdempotencyLocation(std::string_view location);
// `source` with all that it will be stored with: a place that the signature does not cover is
// refused where only the payload is signed.
absl::Status CheckEventTypeLocation(const Source& source);

// The value at `location`: a string decoded, a number or boolean as it is spelt. nullopt if there
// is none, if it is empty or null, or if `location` is not one. Where the body could not be read as
// far as that needs, `body` says why.
std::optional<std::string> FindAtLocation(std::string_view location, const HttpRequest& request,
                                          body::BodyView& body);

}  // namespace convoy::intake

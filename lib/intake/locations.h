// Locations in an ingest request or in a broker's message that a source names: of the event type,
// and of what makes a request or message recognisable when it comes again; in messages also of
// their recipient.
//
//   request.header.X-Id      a header (also "Header")
//   request.body.data.id     a field of the JSON or form body (also "Body"); numbers index arrays
//   request.query.id         a query parameter (also "QueryParam", "queryparam")
//
// "req." may stand for "request.".
//
//   message.header.ce_type    a header or attribute of a message
//   message.body.data.id      a field of its JSON or form body
//   message.key               what its broker routes, groups or partitions by
//   message.id                its id (not with Kafka, which gives none)
#pragma once

#include <cstdint>
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

enum class MessagePart : uint8_t { kHeader, kBody, kKey, kId };

struct MessageLocation {
  MessagePart part = MessagePart::kBody;
  std::string_view selector;  // of a header or in the body: never empty; otherwise empty
};

// nullopt if `text` is none.
std::optional<MessageLocation> ParseMessageLocation(std::string_view text);

// Whether a source of a broker of that type ("kafka") may name it. The message lists what may be.
absl::Status CheckMessageLocation(std::string_view location, std::string_view broker_type);

}  // namespace convoy::intake

// Headers that an event keeps. Event.headers is what is forwarded to endpoints, so this is where it
// is decided what leaves the house.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/http.h"
#include "convoy/model.h"
#include "lib/verify/source_verifier.h"

namespace convoy::intake {

inline constexpr size_t kHeadersMax = 200;
inline constexpr size_t kHeaderBytesMax = 64 * 1024;  // of all names and values

// kInvalidArgument if there are more of them than an event may have.
absl::Status CheckHeaderSize(std::span<const HeaderView> received);

// Whether the header could be a secret between the sender and us: Authorization, Cookie, and those
// of `credentials`.
bool IsSecretHeader(const verify::Credentials& credentials, std::string_view name);

// `query` without the parameters of `credentials`, and as it was in all else.
std::string KeepQuery(const verify::Credentials& credentials, std::string_view query);

// Of the headers that came with an input those that may go on to endpoints, in order: without
//   - Content-Type, which the event carries apart,
//   - what belongs to the connection or the transfer (Host, Content-Length, Connection and what it
//     names, Accept-Encoding, Expect, …),
//   - what could be a secret (IsSecretHeader),
//   - what is not a well-formed header;
// the secrets stay if the source's forward_headers name them. kInvalidArgument if there are too
// many.
absl::StatusOr<Headers> KeepForwardable(const Source& source,
                                        const verify::Credentials& credentials,
                                        std::span<const HeaderView> received);

// The same for an ingest request. Adds X-Convoy-Source-Id.
absl::StatusOr<Headers> KeepIngestHeaders(const Source& source,
                                          const verify::Credentials& credentials,
                                          std::span<const HeaderView> received);

// Whether the custom headers of a REST event may be sent: kInvalidArgument names the one that is
// malformed, or that a sender may not choose.
absl::Status CheckCustomHeaders(const Headers& headers);

}  // namespace convoy::intake

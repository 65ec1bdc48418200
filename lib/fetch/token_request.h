// Requests for access tokens of OAuth 2.0 (RFC 6749, section 4.4) and the reading of their answers.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "convoy/transport.h"

namespace convoy::fetch {

inline constexpr size_t kTokenAnswerBytesMax = 64 * 1024;
inline constexpr size_t kTokenBytesMax = 16 * 1024;
// Of a token whose answer says nothing of its end.
inline constexpr absl::Duration kTokenLifetime = absl::Minutes(5);

struct AccessToken {
  std::string type;  // the scheme: "Bearer"
  std::string text;
  absl::Duration lifetime = kTokenLifetime;

  std::string authorization() const { return type + " " + text; }  // the header's value
};

// `id` is that of the client assertion, new for each request.
absl::StatusOr<OutgoingRequest> MakeTokenRequest(const OAuth2Auth& auth, std::string_view id,
                                                 absl::Time now);

// The message of an error says what the authorisation server did, in one line without secrets.
absl::StatusOr<AccessToken> ReadTokenAnswer(const OAuth2Auth& auth, const TransportResult& result,
                                            absl::Time now);

}  // namespace convoy::fetch

// Credentials that the gateway sends to an endpoint in addition to the signature. Verifiers of
// sources accept some of the same kinds.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace convoy {

struct ApiKeyAuth {
  std::string header_name;
  std::string header_value;

  friend bool operator==(const ApiKeyAuth&, const ApiKeyAuth&) = default;
};
struct BasicAuth {
  std::string username;
  std::string password;

  friend bool operator==(const BasicAuth&, const BasicAuth&) = default;
};

enum class OAuth2Client : uint8_t {
  kSharedSecret,     // "shared_secret": client_id and client_secret in the request's body
  kClientAssertion,  // "client_assertion": a signed JWT in the place of the secret (RFC 7523)
};
enum class OAuth2Algorithm : uint8_t { kRs256, kEs256 };
enum class ExpiryUnit : uint8_t { kSeconds, kMilliseconds, kMinutes, kHours };

// A private key as the members of a JWK (RFC 7517), base64url: "EC" has crv, x, y and d, "RSA" has
// n, e, d and the five of the Chinese remainder theorem.
struct SigningJwk {
  std::string kty, kid;
  std::string crv, x, y;
  std::string n, e, p, q, dp, dq, qi;
  std::string d;

  friend bool operator==(const SigningJwk&, const SigningJwk&) = default;
};

// An access token of the OAuth 2.0 client credentials grant (RFC 6749, section 4.4).
struct OAuth2Auth {
  std::string url;  // of the token endpoint
  std::string client_id;
  std::string scope;     // may be empty
  std::string audience;  // may be empty; of an assertion: its "aud", otherwise the URL
  OAuth2Client client = OAuth2Client::kSharedSecret;
  std::string client_secret;  // of kSharedSecret
  SigningJwk signing_key;     // of kClientAssertion, like the next three
  OAuth2Algorithm algorithm = OAuth2Algorithm::kRs256;
  std::string issuer, subject;  // the assertion's "iss" and "sub"
  ExpiryUnit expiry_unit = ExpiryUnit::kSeconds;
  // Names of members of the answer; empty: those of RFC 6749.
  std::string token_field, type_field, expiry_field;

  friend bool operator==(const OAuth2Auth&, const OAuth2Auth&) = default;
};
using EndpointAuth = std::variant<std::monostate, ApiKeyAuth, BasicAuth, OAuth2Auth>;

// TLS with one endpoint, as PEM. The client certificate comes with its key or not at all.
struct EndpointTls {
  std::string ca_bundle;           // authorities instead of the instance's; may be empty
  std::string client_certificate;  // and the chain above it; may be empty
  std::string client_key;          // a secret

  bool empty() const { return ca_bundle.empty() && client_certificate.empty(); }

  friend bool operator==(const EndpointTls&, const EndpointTls&) = default;
};

}  // namespace convoy

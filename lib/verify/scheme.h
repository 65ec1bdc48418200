// A scheme as a value: how a provider proves that a request is its own. Read strictly from JSON by
// scheme_loader.cc (docs/verification.md describes the fields), compiled by scheme_verifier.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "lib/crypto/digest.h"
#include "lib/verify/locator.h"
#include "lib/verify/url_variants.h"

namespace convoy::verify {

enum class SchemeType : uint8_t {
  kHmac,
  kDigest,  // a plain hash with the secret within the message
  kEd25519,
  kEcdsaP256,
  kRsaPkcs1,
  kJwt,
  kToken,
  kBasic,
  kNone
};
enum class SignatureEncoding : uint8_t {
  kHex,
  kBase64,
  kBase64Url,
  kBase64Hex,  // base64 of the hex text
};

// A list of items within the signature field: "t=1,v1=ab,v1=cd", "v1,ab v1,cd" or "171234,ab,cd".
struct ListSyntax {
  char item_separator = ',';
  char key_separator = '=';
  char group_separator = '\0';      // each group is a list of its own, with its own timestamp
  std::string key;                  // of the items that are signatures; empty: items have no key
  bool is_key_numbered = false;     // the key is followed by digits: "v" means v1, v2, …
  std::string key_parameter;        // the key is this parameter of the verifier
  bool is_timestamp_first = false;  // the first item is the timestamp
};

struct SignatureField {
  std::vector<Locator> places;    // several headers: all that are there are candidates
  bool is_name_numbered = false;  // the header's name is followed by digits: …-1, …-2
  std::string prefix;             // before each signature, compared with its case
  std::optional<ListSyntax> list;
  std::string envelope_path;  // the field is base64 of JSON; the signature stands at this path
};

enum class KeyFormat : uint8_t { kText, kHex, kBase64, kPem };

// Where a key is published. Only hosts that the scheme names are ever asked.
struct KeyLocation {
  enum class Kind : uint8_t { kJwks, kCertificate, kPemInJson };
  Kind kind = Kind::kJwks;
  std::string url;                  // may hold {config:NAME}
  std::optional<Locator> url_from;  // the request names the URL
  std::vector<std::string> hosts;   // for url_from; "*" stands for one label
  std::string url_suffix;           // for url_from: how the URL must end
  std::string path;                 // within the JSON document, for kPemInJson
  std::optional<Locator> key_id;    // which key of a JWKS, where the request says so
};

struct KeyRules {
  KeyFormat format = KeyFormat::kText;
  std::vector<std::string> prefixes;    // stripped from a secret that has one
  bool is_text_without_prefix = false;  // a secret that has none of them is used as it is
  bool is_sha1_of_secret = false;       // the key is the SHA-1 of the secret
  bool is_ascii_only = false;           // other texts would need Unicode normalisation
  std::optional<KeyLocation> location;  // unless secrets are given
};

enum class TimeUnit : uint8_t { kSeconds, kMilliseconds, kRfc3339, kHttpDate };

struct TimestampField {
  std::optional<Locator> from;  // none: the first item of the signature's list
  TimeUnit unit = TimeUnit::kSeconds;
  bool is_enforced = true;
  absl::Duration past_max = absl::Seconds(300);
  absl::Duration future_max = absl::Seconds(300);
};

// A value of the request that must be equal to a rendered template.
struct Condition {
  Locator place;
  std::string expected;             // a template; "*" alone: any value
  bool is_absence = false;          // there must be no value at all
  bool is_absent_if_empty = false;  // may be absent if the body is empty
  bool is_hashed = false;           // expected is the SHA-256 of the rendered template, as hex
  bool is_optional = false;         // holds if a setting that the template needs is not given
};

struct JwtRules {
  std::vector<std::string> algorithms;  // "HS256", …: pinned here, whatever the token says
  bool is_expiry_required = false;
  absl::Duration leeway = absl::ZeroDuration();
  std::optional<absl::Duration> age_max;  // since `iat`, which is required then
};

struct Scheme {
  std::string name = "default";
  SchemeType type = SchemeType::kNone;
  bool is_opt_in = false;       // used only if it is asked for by name
  std::vector<Condition> when;  // otherwise the scheme does not apply
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256;
  SignatureEncoding encoding = SignatureEncoding::kHex;
  SignatureField signature;
  KeyRules key;
  std::string message = "{body}";
  std::vector<UrlVariant> url_variants;  // tried where {url} as it is given does not fit
  std::string each;  // path of the elements that are signed one by one, "*" for an array's
  std::optional<TimestampField> timestamp;
  std::vector<Condition> checks;  // after the signature
  std::optional<Locator> event_id;
  JwtRules jwt;
};

}  // namespace convoy::verify

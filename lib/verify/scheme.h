// A scheme as a value: how a provider proves that a request is its own. Parsed strictly from JSON
// (the fields are described in docs/verification.md); compiled by scheme_verifier.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/crypto/digest.h"

namespace convoy::verify {

enum class SchemeType : uint8_t { kHmac, kToken, kBasic, kNone };
enum class SignatureEncoding : uint8_t { kHex, kBase64, kBase64Url };
enum class KeyFormat : uint8_t { kText, kHex, kBase64 };
enum class Place : uint8_t { kHeader, kQuery };

// A list of items within the signature field: "t=1,v1=ab,v1=cd" or "v1,ab v1,cd".
struct ListSyntax {
  char item_separator = ',';
  char key_separator = '=';
  std::string key;               // of the items that are signatures
  bool is_key_numbered = false;  // the key is followed by digits: "v" means v1, v2, …
};

struct SignatureField {
  Place place = Place::kHeader;
  std::string name;
  std::string prefix;  // before each signature, compared with its case
  std::optional<ListSyntax> list;
};

struct TimestampField {
  std::string header;  // name of the header, or empty:
  std::string item;    // key of the item in the signature's list
  bool is_milliseconds = false;
  absl::Duration past_max = absl::Seconds(300);
  absl::Duration future_max = absl::Seconds(300);
};

struct Scheme {
  std::string name = "default";
  SchemeType type = SchemeType::kNone;
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256;
  SignatureEncoding encoding = SignatureEncoding::kHex;
  SignatureField signature;
  KeyFormat key_format = KeyFormat::kText;
  std::string key_prefix;  // stripped from a secret that has it
  std::string message = "{body}";
  std::optional<TimestampField> timestamp;
  std::string event_id_header;  // may be empty
};

// kInvalidArgument names the field. A field that the type does not use is refused, too: a setting
// that is accepted is enforced.
absl::StatusOr<Scheme> ParseScheme(std::string_view json);

}  // namespace convoy::verify

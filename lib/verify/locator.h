// Locator of a value in a request: "header:X-Id", "query:token", "form:payload", "json:data.id",
// "item:eventCode", "sig:t", "jwt:iss", "config:audience", "body". A locator is part of a scheme;
// evidence.h finds the value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace convoy::verify {

struct Locator {
  enum class Kind : uint8_t {
    kHeader,
    kQuery,
    kForm,           // a field of a form; behind '#' a path into the JSON that it holds
    kJson,           // a dotted path into the JSON body
    kItem,           // a dotted path into the element of the body that is being judged
    kSignatureItem,  // an item of the signature field's list
    kJwt,            // a dotted path into the claims of the token
    kConfig,         // a parameter of the verifier
    kBody,           // all of it
  };

  Kind kind = Kind::kBody;
  std::string name;

  friend bool operator==(const Locator&, const Locator&) = default;
};

// Whether the value stands in the head of the request or in the verifier's own settings, and not in
// the body.
bool IsOfHead(const Locator& locator);

// kInvalidArgument quotes a text that is no locator.
absl::StatusOr<Locator> ParseLocator(std::string_view text);

}  // namespace convoy::verify

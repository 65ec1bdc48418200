// Reads schemes from JSON, strictly: a field that is unknown, or that the type does not use, is
// refused by name. A setting that is accepted is enforced.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/json/document.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

absl::StatusOr<Scheme> LoadScheme(const json::Value& object);
absl::StatusOr<Scheme> LoadScheme(std::string_view json);

// Parts of it, each in a file of its own.
absl::StatusOr<SignatureField> LoadSignatureField(const json::Value& object);
absl::StatusOr<KeyRules> LoadKeyRules(const json::Value& object);
// {"header:X-Version": "v2", "query:x": null, …}: all must hold; null: there is no such value.
absl::Status LoadWhen(const json::Value& object, std::vector<Condition>* out);

// Limits of a scheme or preset as JSON.
inline constexpr json::Limits kSchemeLimits = {
    .bytes_max = 64 * 1024, .depth_max = 12, .values_max = 1000};

}  // namespace convoy::verify

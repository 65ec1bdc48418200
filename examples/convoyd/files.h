// Small files that settings name.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace convoyd {

// kNotFound names the file that cannot be read.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// The same without the newline that editors end a file with.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace convoyd

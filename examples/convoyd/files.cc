// Reader of the small files that settings name.
#include "examples/convoyd/files.h"

#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace convoyd {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text;
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  auto secret = ReadFile(path);
  if (secret.ok() && secret->ends_with('\n')) secret->pop_back();
  return secret;
}

}  // namespace convoyd

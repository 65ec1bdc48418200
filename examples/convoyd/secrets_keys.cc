// Reader of key files: 32 bytes as base64 on one line.
#include "examples/convoyd/secrets_keys.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "examples/convoyd/files.h"

namespace convoyd {
namespace {

constexpr size_t kKeyBytes = 32;

absl::Status ReadKey(const std::string& path, std::string& out) {
  if (path.empty()) return absl::OkStatus();
  const auto text = ReadSecretFile(path);
  if (!text.ok()) return text.status();
  std::string key;
  if (!absl::Base64Unescape(*text, &key) || key.size() != kKeyBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": must hold ", kKeyBytes, " bytes as base64: openssl rand -base64 32"));
  }
  out = std::move(key);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadSecretsKeys(const Settings& settings, convoy::GatewayOptions& options) {
  if (auto status = ReadKey(settings.secrets_key_file, options.secrets_key); !status.ok()) {
    return status;
  }
  return ReadKey(settings.former_secrets_key_file, options.former_secrets_key);
}

}  // namespace convoyd

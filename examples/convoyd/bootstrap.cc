// `convoyd bootstrap`: creates the first API key of an instance and prints it, once.
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "convoy/gateway.h"
#include "examples/convoyd/commands.h"
#include "examples/convoyd/database.h"
#include "examples/convoyd/json_text.h"
#include "examples/convoyd/secrets_keys.h"
#include "examples/convoyd/settings.h"

namespace convoyd {

int RunBootstrap(std::span<char* const> words) {
  const std::vector<std::string> flags{"database", "secrets-key-file", "config"};
  const auto loaded = LoadSettings(words, flags, environ);
  if (!loaded.ok()) return Fail("bootstrap", loaded.status(), kExitUsage);
  if (loaded->is_help_wanted) {
    Print(absl::StrCat("convoyd bootstrap: create the first API key of an instance\n\n",
                       SettingsHelp(flags),
                       "\nPrints {\"api_key\":\"CO.…\"} on one line. The key is shown this once "
                       "and stored only as\n"
                       "a hash. If the instance has its key already, nothing changes: the line is\n"
                       "{\"exists\":true,\"message\":…} and the exit code is 0.\n"));
    return kExitDone;
  }
  auto storage = OpenDatabase(loaded->settings.database);
  if (!storage.ok()) return Fail("bootstrap", storage.status(), kExitFailed);
  convoy::GatewayParts parts;
  parts.storage = *std::move(storage);
  convoy::GatewayOptions options;
  if (auto status = ReadSecretsKeys(loaded->settings, options); !status.ok()) {
    return Fail("bootstrap", status, kExitUsage);
  }
  const auto gateway = convoy::Gateway::Open(std::move(options), std::move(parts));
  if (!gateway.ok()) return Fail("bootstrap", gateway.status(), kExitFailed);

  const auto key = (*gateway)->Bootstrap();
  if (absl::IsAlreadyExists(key.status())) {
    Print(JsonLine().AddRaw("exists", "true").Add("message", key.status().message()).Take());
    return kExitDone;
  }
  if (!key.ok()) return Fail("bootstrap", key.status(), kExitFailed);
  Print(JsonLine().Add("api_key", *key).Take());
  return kExitDone;
}

}  // namespace convoyd

// `convoyd import`: takes the configuration of Convoy over, through the REST API of a gateway in
// this process. A document is sent in parts, one for each project, so each is stored as a whole or
// not at all; what is stored already is left alone, so an import that ended may be repeated.
#include <unistd.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rapidjson/document.h"

#include "convoy/gateway.h"
#include "examples/convoyd/brokers.h"
#include "examples/convoyd/commands.h"
#include "examples/convoyd/database.h"
#include "examples/convoyd/files.h"
#include "examples/convoyd/import_parts.h"
#include "examples/convoyd/json_members.h"
#include "examples/convoyd/json_text.h"
#include "examples/convoyd/scripting.h"
#include "examples/convoyd/secrets_keys.h"
#include "examples/convoyd/settings.h"

namespace convoyd {
namespace {

constexpr std::string_view kHelp =
    "  --file FILE                    the document, as docs/moving-from-convoy.md makes it\n"
    "  --key-file FILE                holds the instance's API key; may be left out where this\n"
    "                                 makes the instance, whose key is then printed once\n"
    "  --dry-run                      say what would be done and change nothing; without "
    "--key-file\n"
    "                                 in an instance that is empty, whatever the database holds\n"
    "\nPrints one line of JSON for each project: what was created, what was there already, what\n"
    "was refused and why. The exit code is 1 if anything was refused.\n";

struct Job {
  std::string file;
  std::string key_file;
  bool is_dry_run = false;
};

absl::StatusOr<std::unique_ptr<convoy::Gateway>> Open(const Settings& settings, const Job& job) {
  convoy::GatewayParts parts;
  if (job.is_dry_run && job.key_file.empty()) {
    // A look makes neither a file nor an instance.
    parts.storage = convoy::NewMemoryStorage();
  } else {
    auto storage = OpenDatabase(settings.database);
    if (!storage.ok()) return storage.status();
    parts.storage = *std::move(storage);
  }
  auto brokers = NewBrokers(settings, environ);
  if (!brokers.ok()) return brokers.status();
  parts.brokers = *std::move(brokers);
  auto scripting = NewScripting();
  if (!scripting.ok()) return scripting.status();
  parts.scripting = *std::move(scripting);
  convoy::GatewayOptions options = settings.options;
  if (auto status = ReadSecretsKeys(settings, options); !status.ok()) return status;
  return convoy::Gateway::Open(std::move(options), std::move(parts));
}

absl::StatusOr<std::string> KeyOf(convoy::Gateway& gateway, const Job& job) {
  if (!job.key_file.empty()) return ReadSecretFile(job.key_file);
  auto key = gateway.Bootstrap();
  if (key.ok()) {
    if (!job.is_dry_run) Print(JsonLine().Add("api_key", *key).Take());
    return key;
  }
  if (!absl::IsAlreadyExists(key.status())) return key.status();
  return absl::InvalidArgumentError(
      "the instance exists already: --key-file must hold its API key");
}

// Prints the answer to one part; false if it was refused.
absl::StatusOr<bool> Send(convoy::Gateway& gateway, const std::string& key, const Job& job,
                          const std::string& project, const ImportPart& part) {
  const std::string authorization = absl::StrCat("Bearer ", key);
  const convoy::HeaderView headers[] = {{"Authorization", authorization},
                                        {"Content-Type", "application/json"}};
  const std::string body = BodyOf(part);
  const auto response = gateway.Handle({.method = "POST",
                                        .path = "/api/v1/import",
                                        .query = job.is_dry_run ? "dry_run=true" : "",
                                        .headers = headers,
                                        .body = body});
  rapidjson::Document answer;
  if (response.has_value()) answer.Parse(response->body.data(), response->body.size());
  const bool has_data = response.has_value() && !answer.HasParseError() && answer.IsObject() &&
                        answer.HasMember("data") && answer["data"].IsObject();
  if (!has_data) {
    return absl::FailedPreconditionError(answer.IsObject() ? TextMember(answer, "message")
                                                           : std::string_view("no answer"));
  }
  Print(JsonLine()
            .Add("project", project)
            .AddRaw("imported", response->status == 200 && !job.is_dry_run ? "true" : "false")
            .AddRaw("result", ToText(answer["data"]))
            .Take());
  return answer["data"]["refused_count"].GetUint64() == 0;
}

int Import(const Settings& settings, const Job& job) {
  const auto text = ReadFile(job.file);
  if (!text.ok()) return Fail("import", text.status(), kExitUsage);
  const auto parts = SplitImport(*text);
  if (!parts.ok()) return Fail("import", parts.status(), kExitUsage);
  const auto gateway = Open(settings, job);
  if (!gateway.ok()) return Fail("import", gateway.status(), kExitFailed);
  const auto key = KeyOf(**gateway, job);
  if (!key.ok()) return Fail("import", key.status(), kExitUsage);
  bool is_complete = true;
  for (const auto& [project, part] : *parts) {
    const auto sent = Send(**gateway, *key, job, project, part);
    if (!sent.ok()) return Fail("import", sent.status(), kExitFailed);
    is_complete = is_complete && *sent;
  }
  return is_complete ? kExitDone : kExitFailed;
}

}  // namespace

int RunImport(std::span<char* const> words) {
  std::vector<char*> others(words.begin(), words.end());
  Job job;
  job.is_dry_run = std::erase_if(others, [](const char* word) {
                     return std::string_view(word) == "--dry-run";
                   }) > 0;
  const std::vector<std::string> flags{"database",       "secrets-key-file", "config",
                                       "body-bytes-max", "sqs-credentials",  "file",
                                       "key-file"};
  const auto loaded = LoadSettings(others, flags, environ);
  if (!loaded.ok()) return Fail("import", loaded.status(), kExitUsage);
  if (loaded->is_help_wanted) {
    Print(absl::StrCat("convoyd import: take the configuration of Convoy over\n\n",
                       SettingsHelp(flags), "\n", kHelp));
    return kExitDone;
  }
  for (const Argument& argument : loaded->others) {
    (argument.flag == "file" ? job.file : job.key_file) = argument.value;
  }
  if (job.file.empty()) {
    return Fail("import", absl::InvalidArgumentError("--file is missing"), kExitUsage);
  }
  return Import(loaded->settings, job);
}

}  // namespace convoyd

// Sources of settings: flags, environment and file, and the checks of settings that depend on each
// other.
#include "examples/convoyd/settings.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "rapidjson/document.h"
#include "rapidjson/error/en.h"

#include "examples/convoyd/arguments.h"
#include "examples/convoyd/setting_table.h"

namespace convoyd {
namespace {

constexpr std::string_view kEnvironmentPrefix = "CONVOYD_";

// One place that settings come from. The first value of a list replaces what an earlier place said.
class Layer {
 public:
  Layer(Settings* settings, std::string place) : settings_(settings), place_(std::move(place)) {}

  absl::Status Apply(const Setting& setting, std::string_view value) {
    if (setting.is_list() && lists_.insert(&setting).second) setting.clear(*settings_);
    return Explain(setting.apply(*settings_, value));
  }
  absl::Status Explain(const absl::Status& status) const {
    if (status.ok()) return status;
    return absl::InvalidArgumentError(absl::StrCat(place_, ": ", status.message()));
  }

 private:
  Settings* const settings_;
  const std::string place_;
  std::set<const Setting*> lists_;  // those that have a value from here
};

absl::Status ApplyMember(Layer& layer, const Setting& setting, const rapidjson::Value& value) {
  if (value.IsString()) {
    return layer.Apply(setting, {value.GetString(), value.GetStringLength()});
  }
  if (value.IsUint64()) return layer.Apply(setting, absl::StrCat(value.GetUint64()));
  if (setting.is_list() && value.IsArray()) {
    for (const rapidjson::Value& item : value.GetArray()) {
      if (!item.IsString()) break;
      const auto status = layer.Apply(setting, {item.GetString(), item.GetStringLength()});
      if (!status.ok()) return status;
    }
    if (std::all_of(value.Begin(), value.End(), [](const auto& item) { return item.IsString(); })) {
      return absl::OkStatus();
    }
  }
  return layer.Explain(
      absl::InvalidArgumentError(absl::StrCat("\"", NameOf(setting), "\" has a wrong type")));
}

absl::Status ApplyFile(Settings& settings, const std::string& path) {
  Layer layer(&settings, path);
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) return layer.Explain(absl::NotFoundError("cannot be read"));
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      text.data(), text.size());
  if (document.HasParseError()) {
    return layer.Explain(absl::InvalidArgumentError(
        absl::StrCat(rapidjson::GetParseError_En(document.GetParseError()), " (at character ",
                     document.GetErrorOffset(), ")")));
  }
  if (!document.IsObject()) {
    return layer.Explain(absl::InvalidArgumentError("must be a JSON object"));
  }
  // Counted, because RapidJSON's iterators compare ambiguously in C++20.
  auto member = document.MemberBegin();
  for (auto left = document.MemberCount(); left > 0; --left, ++member) {
    const std::string_view name(member->name.GetString(), member->name.GetStringLength());
    const Setting* const setting = FindSetting(name);
    if (setting == nullptr) {
      return layer.Explain(
          absl::InvalidArgumentError(absl::StrCat("unknown setting \"", name, "\"")));
    }
    const auto status = ApplyMember(layer, *setting, member->value);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

struct Variable {
  std::string name;  // "listen"
  std::string value;
};

std::vector<Variable> ReadEnvironment(char* const* environment) {
  std::vector<Variable> variables;
  for (; *environment != nullptr; ++environment) {
    std::string_view line = *environment;
    if (!line.starts_with(kEnvironmentPrefix)) continue;
    line.remove_prefix(kEnvironmentPrefix.size());
    const size_t equals = line.find('=');
    if (equals == line.npos) continue;
    variables.push_back(
        {absl::AsciiStrToLower(line.substr(0, equals)), std::string(line.substr(equals + 1))});
  }
  return variables;
}

absl::Status ApplyEnvironment(Settings& settings, const std::vector<Variable>& variables) {
  Layer layer(&settings, "environment");
  for (const Variable& variable : variables) {
    if (variable.name == "config") continue;
    const Setting* const setting = FindSetting(variable.name);
    if (setting == nullptr) {
      return layer.Explain(absl::InvalidArgumentError(absl::StrCat(
          "unknown setting ", kEnvironmentPrefix, absl::AsciiStrToUpper(variable.name))));
    }
    const std::vector<std::string> values =
        setting->is_list()
            ? std::vector<std::string>(absl::StrSplit(variable.value, ',', absl::SkipEmpty()))
            : std::vector<std::string>{variable.value};
    for (const std::string& value : values) {
      const auto status = layer.Apply(*setting, value);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyFlags(LoadedSettings& loaded, const std::vector<Argument>& arguments) {
  Layer layer(&loaded.settings, "command line");
  for (const Argument& argument : arguments) {
    if (argument.flag == "config") continue;
    const Setting* const setting = FindSetting(absl::StrReplaceAll(argument.flag, {{"-", "_"}}));
    if (setting == nullptr) {
      loaded.others.push_back(argument);
      continue;
    }
    const auto status = layer.Apply(*setting, argument.value);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// An eighth of the memory is kept for small bodies.
uint64_t LeastMemoryFor(uint64_t body_bytes) { return body_bytes + body_bytes / 7 + 1; }

absl::Status CheckTogether(const Settings& settings) {
  if (settings.tls_cert.empty() != settings.tls_key.empty()) {
    return absl::InvalidArgumentError("tls_cert and tls_key must be given together");
  }
  if (settings.metrics_token_file.empty() ==
      (settings.metrics_access == convoy::MetricsAccess::kToken)) {
    return absl::InvalidArgumentError(
        "metrics_access token and metrics_token_file must be given together");
  }
  if (settings.otlp_endpoint.empty() &&
      (!settings.otlp_headers_file.empty() || !settings.otlp_ca_file.empty())) {
    return absl::InvalidArgumentError("otlp_headers_file and otlp_ca_file need otlp_endpoint");
  }
  if (settings.secrets_key_file.empty() && !settings.former_secrets_key_file.empty()) {
    return absl::InvalidArgumentError("former_secrets_key_file needs secrets_key_file");
  }
  if (settings.mail_user.empty() != settings.mail_password_file.empty()) {
    return absl::InvalidArgumentError("mail_user and mail_password_file must be given together");
  }
  const BodyMemoryBounds memory = BodyMemoryOf(settings);
  const uint64_t least = LeastMemoryFor(settings.options.body_bytes_max);
  if (memory.total_bytes_max < least || memory.per_address_bytes_max < least) {
    return absl::InvalidArgumentError(absl::StrCat(
        "body_memory_bytes_max and body_memory_per_address_bytes_max must be at least ", least,
        ", so that one body of body_bytes_max fits"));
  }
  return absl::OkStatus();
}

}  // namespace

BodyMemoryBounds BodyMemoryOf(const Settings& settings) {
  constexpr uint64_t kDefaultLeast = 128 * 1024 * 1024;
  BodyMemoryBounds bounds;
  bounds.total_bytes_max = settings.body_memory_bytes_max > 0
                               ? settings.body_memory_bytes_max
                               : std::max(kDefaultLeast, 4 * settings.options.body_bytes_max);
  bounds.per_address_bytes_max = settings.body_memory_per_address_bytes_max > 0
                                     ? settings.body_memory_per_address_bytes_max
                                     : bounds.total_bytes_max / 2;
  return bounds;
}

std::vector<std::string> SettingFlags() {
  std::vector<std::string> flags{"config"};
  for (const Setting& setting : SettingTable()) flags.push_back(setting.flag);
  return flags;
}

std::string SettingsHelp(std::span<const std::string> flags) {
  std::string help;
  const auto add = [&](const std::string& flag, const std::string& placeholder,
                       const std::string& text) {
    if (!flags.empty() && std::find(flags.begin(), flags.end(), flag) == flags.end()) return;
    std::string usage = absl::StrCat("  --", flag, " ", placeholder);
    if (usage.size() < 34) usage.resize(34, ' ');
    absl::StrAppend(&help, usage, " ", text, "\n");
  };
  for (const Setting& setting : SettingTable()) {
    add(setting.flag, setting.placeholder, setting.help);
  }
  add("config", "FILE", "a JSON object with any of the settings of `convoyd serve --help`");
  absl::StrAppend(
      &help,
      "\nEvery setting may also be given as an environment variable (CONVOYD_LOG_LEVEL; lists\n"
      "separated by commas) or in the file (\"log_level\"). Flags win over the environment, the\n"
      "environment over the file. A setting that does not exist is an error.\n");
  return help;
}

absl::StatusOr<LoadedSettings> LoadSettings(std::span<char* const> words,
                                            std::span<const std::string> flags,
                                            char* const* environment) {
  const std::vector<std::string> all = SettingFlags();
  const auto list = ReadArguments(words, flags.empty() ? all : flags);
  if (!list.ok()) return list.status();
  LoadedSettings loaded{.is_help_wanted = list->is_help_wanted};
  if (loaded.is_help_wanted) return loaded;

  const std::vector<Variable> variables = ReadEnvironment(environment);
  std::string path;
  for (const Variable& variable : variables) {
    if (variable.name == "config") path = variable.value;
  }
  for (const Argument& argument : list->arguments) {
    if (argument.flag == "config") path = argument.value;
  }
  absl::Status status;
  if (!path.empty()) status.Update(ApplyFile(loaded.settings, path));
  if (status.ok()) status.Update(ApplyEnvironment(loaded.settings, variables));
  if (status.ok()) status.Update(ApplyFlags(loaded, list->arguments));
  if (status.ok()) status.Update(CheckTogether(loaded.settings));
  if (!status.ok()) return status;
  return loaded;
}

}  // namespace convoyd

// Table of settings, filled from flags, environment and file.
#include "examples/convoyd/settings.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "rapidjson/document.h"
#include "rapidjson/error/en.h"

#include "convoy/option_table.h"
#include "examples/convoyd/arguments.h"
#include "examples/convoyd/database.h"
#include "examples/convoyd/outboxes.h"

namespace convoyd {
namespace {

constexpr std::string_view kEnvironmentPrefix = "CONVOYD_";

struct Spec {
  std::string flag;
  std::string placeholder;
  std::string help;
  std::function<absl::Status(Settings&, std::string_view)> apply;
  std::function<void(Settings&)> clear = nullptr;  // of a list

  bool is_list() const { return clear != nullptr; }
};

absl::Status ApplyListen(Settings& settings, std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) {
    return absl::InvalidArgumentError("listen must be ADDRESS:PORT");
  }
  const auto port = ParseNumber("the port of listen", text.substr(colon + 1), 65'535);
  if (!port.ok()) return port.status();
  std::string_view address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  }
  settings.listen_address = address;
  settings.listen_port = static_cast<uint16_t>(*port);
  return absl::OkStatus();
}

absl::Status ApplyDatabase(Settings& settings, std::string_view text) {
  if (const absl::Status status = CheckDatabase(text); !status.ok()) return status;
  settings.database = text;
  settings.has_database = true;
  return absl::OkStatus();
}

template <typename Choice>
using Choices = std::vector<std::pair<std::string_view, Choice>>;

// One of a few words; `refusal` lists them.
template <typename Choice>
auto ChoiceInto(Choice Settings::*field, Choices<Choice> choices, std::string refusal) {
  return [=](Settings& settings, std::string_view text) -> absl::Status {
    for (const auto& [name, choice] : choices) {
      if (name != text) continue;
      settings.*field = choice;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(refusal);
  };
}

const auto ApplyLogLevel =
    ChoiceInto(&Settings::log_level,
               Choices<convoy::LogLevel>{{"debug", convoy::LogLevel::kDebug},
                                         {"info", convoy::LogLevel::kInfo},
                                         {"warning", convoy::LogLevel::kWarning},
                                         {"error", convoy::LogLevel::kError}},
               "log_level must be debug, info, warning or error");

const auto ApplyMetricsAccess =
    ChoiceInto(&Settings::metrics_access,
               Choices<convoy::MetricsAccess>{{"nobody", convoy::MetricsAccess::kNobody},
                                              {"token", convoy::MetricsAccess::kToken},
                                              {"anyone", convoy::MetricsAccess::kAnyone}},
               "metrics_access must be nobody, token or anyone");

const auto ApplySqsCredentials =
    ChoiceInto(&Settings::sqs_credentials,
               Choices<SqsCredentials>{{"none", SqsCredentials::kNone},
                                       {"environment", SqsCredentials::kEnvironment}},
               "sqs_credentials must be none or environment");

const auto ApplyOutboxCreate =
    ChoiceInto(&Settings::should_create_outboxes, Choices<bool>{{"on", true}, {"off", false}},
               "outbox_create must be on or off");

const auto ApplyDeliveryHttp2 =
    ChoiceInto(&Settings::has_delivery_http2, Choices<bool>{{"on", true}, {"off", false}},
               "delivery_http2 must be on or off");

const auto ApplyUi = ChoiceInto(&Settings::has_ui, Choices<bool>{{"on", true}, {"off", false}},
                                "ui must be on or off");

absl::Status ApplyUiFrameOrigins(Settings& settings, std::string_view text) {
  settings.ui_frame_origins = absl::StrSplit(text, ',', absl::SkipWhitespace());
  return absl::OkStatus();
}

auto TextInto(std::string Settings::*field) {
  return [field](Settings& settings, std::string_view text) {
    settings.*field = text;
    return absl::OkStatus();
  };
}

template <typename Number>
auto NumberInto(std::string name, Number Settings::*field, uint64_t min, uint64_t max) {
  return [=](Settings& settings, std::string_view text) -> absl::Status {
    const auto number = ParseNumber(name, text, max);
    if (!number.ok()) return number.status();
    if (*number < min)
      return absl::InvalidArgumentError(absl::StrCat(name, " must be at least ", min));
    settings.*field = static_cast<Number>(*number);
    return absl::OkStatus();
  };
}

Spec NumberSpec(std::string name, auto field, uint64_t min, uint64_t max, std::string help) {
  return {.flag = absl::StrReplaceAll(name, {{"_", "-"}}),
          .placeholder = "N",
          .help = std::move(help),
          .apply = NumberInto(name, field, min, max)};
}

constexpr uint64_t kDayMs = 24 * 3600 * 1000;
constexpr uint64_t kMany = 1'000'000;

std::vector<Spec> BasicSpecs() {
  return {
      {"listen", "ADDR:PORT", "where to serve; port 0 picks a free one (default 127.0.0.1:5005)",
       ApplyListen},
      {"database", "PATH",
       "the SQLite file, or postgres://…; serve and bootstrap create what is missing "
       "(default convoy.db)",
       ApplyDatabase},
      {"public-url", "URL", "how providers reach this server (default: where it listens)",
       TextInto(&Settings::public_url)},
      NumberSpec("workers", &Settings::workers, 1, 256,
                 "threads that serve connections (default: one for each processor)"),
      {"allow-network", "CIDR[:PORT]",
       "let deliveries, key fetches and message brokers connect to this network although it is "
       "private or local; with a port, only those over HTTP and to that port; repeatable",
       [](Settings& settings, std::string_view text) {
         settings.allowed_networks.emplace_back(text);
         return absl::OkStatus();
       },
       [](Settings& settings) { settings.allowed_networks.clear(); }},
      {"log-level", "LEVEL", "debug, info, warning or error (default info)", ApplyLogLevel},
      {"metrics-access", "WHO",
       "who may read GET /metrics: nobody, token or anyone (default nobody)", ApplyMetricsAccess},
      {"metrics-token-file", "FILE",
       "holds the token for --metrics-access token: 16 to 256 visible characters",
       TextInto(&Settings::metrics_token_file)},
      {"secrets-key-file", "FILE",
       "holds 32 bytes as base64 (openssl rand -base64 32), the key under which secrets are kept "
       "encrypted in the database",
       TextInto(&Settings::secrets_key_file)},
      {"former-secrets-key-file", "FILE", "holds the key that --secrets-key-file replaces",
       TextInto(&Settings::former_secrets_key_file)},
      {"mail-server", "URL",
       "smtp://host:port or smtps://host:port, which e-mails about endpoints in trouble are sent "
       "by; needs --mail-from (default: none is sent)",
       TextInto(&Settings::mail_server)},
      {"mail-from", "ADDRESS", "the sender of these e-mails", TextInto(&Settings::mail_from)},
      {"mail-user", "NAME", "user of the mail server; needs --mail-password-file",
       TextInto(&Settings::mail_user)},
      {"mail-password-file", "FILE", "holds the password of --mail-user",
       TextInto(&Settings::mail_password_file)},
      {"sqs-credentials", "FROM",
       "environment: sources of Amazon SQS that give no access key, in any project, use this "
       "process's own, from the variables AWS_…; none: they are refused (default none)",
       ApplySqsCredentials},
      {"outbox", "NAME=WHERE",
       "let sources read the transactional outbox of this SQLite file or postgres://… under this "
       "name; repeatable",
       ApplyOutbox, [](Settings& settings) { settings.outboxes.clear(); }},
      {"outbox-create", "WHETHER",
       "make the tables of outboxes where they are missing: on or off (default off)",
       ApplyOutboxCreate},
      {"ui", "WHETHER", "serve the dashboard and the owners' portal: on or off (default off)",
       ApplyUi},
      {"ui-prefix", "PATH", "where the dashboard stands (default /ui)",
       TextInto(&Settings::ui_prefix)},
      {"ui-frame-origins", "ORIGIN,…",
       "pages that may show the owners' portal in a frame, like https://app.example.com; "
       "separated by commas (default: none)",
       ApplyUiFrameOrigins},
      {"tls-cert", "FILE", "serve HTTPS with this certificate chain in PEM; needs --tls-key",
       TextInto(&Settings::tls_cert)},
      {"tls-key", "FILE", "the private key of the certificate in PEM",
       TextInto(&Settings::tls_key)},
  };
}

// The bounds of the server; docs/security.md says what they protect.
std::vector<Spec> ServerSpecs() {
  return {
      NumberSpec("connections_max", &Settings::connections_max, 1, kMany,
                 "connections open at once; one more closes the one that has waited longest, or is "
                 "answered with 503 (default 10000)"),
      NumberSpec("connections_per_address_max", &Settings::connections_per_address_max, 0, kMany,
                 "the same of one address (default 0, which is half of them)"),
      NumberSpec("body_memory_bytes_max", &Settings::body_memory_bytes_max, 0, uint64_t{1} << 40,
                 "memory of request bodies and large answers on their way; what does not fit is "
                 "answered with 503 (default 0, which is 4 of the largest bodies, at least "
                 "134217728)"),
      NumberSpec("body_memory_per_address_bytes_max", &Settings::body_memory_per_address_bytes_max,
                 0, uint64_t{1} << 40, "the same of one address (default 0, which is half of it)"),
      NumberSpec("descriptors_reserved", &Settings::descriptors_reserved, 16, kMany,
                 "descriptors of the process that neither connections nor deliveries may take "
                 "(default 64)"),
      NumberSpec("request_line_bytes_max", &Settings::request_line_bytes_max, 64, 1 << 20,
                 "longest request line; beyond it 414 (default 8192)"),
      NumberSpec("head_bytes_max", &Settings::head_bytes_max, 256, 1 << 20,
                 "headers of a request, in bytes; beyond it 431 (default 32768)"),
      NumberSpec("headers_max", &Settings::headers_max, 1, 10'000,
                 "headers of a request, in number; beyond it 431 (default 100)"),
      NumberSpec("head_timeout_ms", &Settings::head_timeout, 1, kDayMs,
                 "how long the head of a request may take to arrive; then 408 (default 10000)"),
      NumberSpec("read_timeout_ms", &Settings::read_timeout, 1, kDayMs,
                 "how long a request may take to arrive, then 408, and an answer to be taken "
                 "(default 120000)"),
      NumberSpec("rate_bytes_per_s_min", &Settings::rate_bytes_per_s_min, 0, kMany,
                 "least rate of bodies in 10 s and of answers in 30 s (default 1024)"),
      NumberSpec("idle_timeout_ms", &Settings::idle_timeout, 1, kDayMs,
                 "how long a connection may wait for a request (default 75000)"),
      NumberSpec("drain_timeout_ms", &Settings::drain_timeout, 0, kDayMs,
                 "how long SIGTERM waits for what is in flight (default 10000)"),
  };
}

// A numeric option of the gateway (convoy/option_table.h).
Spec OptionSpec(std::string name, std::string_view option_name) {
  const convoy::NumericOption* const option = convoy::FindNumericOption(option_name);
  const auto apply = [name, option](Settings& settings, std::string_view text) -> absl::Status {
    const auto number = ParseNumber(name, text, std::numeric_limits<uint64_t>::max());
    if (!number.ok()) return number.status();
    if (!option->Allows(*number)) {
      return absl::InvalidArgumentError(absl::StrCat(name, " must be ", convoy::RangeOf(*option)));
    }
    option->set(settings.options, *number);
    return absl::OkStatus();
  };
  const uint64_t value = option->get(convoy::GatewayOptions());
  return {
      .flag = absl::StrReplaceAll(name, {{"_", "-"}}),
      .placeholder = "N",
      .help = absl::StrCat(option->help, "; ", convoy::RangeOf(*option), " (default ", value, ")"),
      .apply = apply};
}

std::vector<Spec> GatewaySpecs() {
  return {
      OptionSpec("body_bytes_max", "body_bytes_max"),
      OptionSpec("in_flight_max", "in_flight_max"),
      OptionSpec("in_flight_per_endpoint_max", "in_flight_per_endpoint_max"),
      OptionSpec("in_flight_bytes_max", "in_flight_bytes_max"),
      {"ca-file", "FILE",
       "PEM file of the certificate authorities that endpoints are trusted by, in place of the "
       "system's",
       TextInto(&Settings::ca_file)},
      {"delivery-proxy", "URL",
       "proxy to endpoints, http, https or socks5h, with user and password if it wants them; the "
       "environment's is never used (default: none)",
       TextInto(&Settings::delivery_proxy)},
      {"delivery-http2", "WHETHER",
       "HTTP/2 with endpoints over TLS that offer it: on or off (default on)", ApplyDeliveryHttp2},
      OptionSpec("connection_idle_ms", "connection_idle_max"),
      OptionSpec("connection_age_ms", "connection_age_max"),
      OptionSpec("name_age_ms", "name_age_max"),
      OptionSpec("lease_ms", "lease"),
      OptionSpec("dedupe_window_ms", "dedupe_window"),
      OptionSpec("redelivery_window_ms", "redelivery_window"),
      OptionSpec("retention_ms", "retention"),
      OptionSpec("dead_letters_max", "dead_letters_max"),
      OptionSpec("quarantine_inputs_max", "quarantine_inputs_max"),
      OptionSpec("quarantine_bytes_max", "quarantine_bytes_max"),
      OptionSpec("quarantine_age_ms", "quarantine_age"),
      OptionSpec("held_inputs_max", "held_inputs_max"),
      OptionSpec("held_bytes_max", "held_bytes_max"),
      OptionSpec("answer_timeout_ms", "answer_timeout"),
      OptionSpec("answer_threads", "answer_threads"),
      OptionSpec("open_jobs_max", "open_jobs_max"),
      OptionSpec("hops_max", "hops_max"),
      OptionSpec("projects_cached_max", "projects_cached_max"),
      OptionSpec("sources_cached_max", "sources_cached_max"),
  };
}

const std::vector<Spec>& Specs() {
  static const auto* const specs = [] {
    auto* all = new std::vector<Spec>();
    for (const auto& part : {BasicSpecs(), ServerSpecs(), GatewaySpecs()}) {
      all->insert(all->end(), part.begin(), part.end());
    }
    return all;
  }();
  return *specs;
}

std::string NameOf(const Spec& spec) { return absl::StrReplaceAll(spec.flag, {{"-", "_"}}); }

const Spec* FindByName(std::string_view name) {
  for (const Spec& spec : Specs()) {
    if (NameOf(spec) == name) return &spec;
  }
  return nullptr;
}

// One place that settings come from. The first value of a list replaces what an earlier place said.
class Layer {
 public:
  Layer(Settings* settings, std::string place) : settings_(settings), place_(std::move(place)) {}

  absl::Status Apply(const Spec& spec, std::string_view value) {
    if (spec.is_list() && lists_.insert(&spec).second) spec.clear(*settings_);
    return Explain(spec.apply(*settings_, value));
  }
  absl::Status Explain(const absl::Status& status) const {
    if (status.ok()) return status;
    return absl::InvalidArgumentError(absl::StrCat(place_, ": ", status.message()));
  }

 private:
  Settings* const settings_;
  const std::string place_;
  std::set<const Spec*> lists_;  // those that have a value from here
};

absl::Status ApplyMember(Layer& layer, const Spec& spec, const rapidjson::Value& value) {
  if (value.IsString()) {
    return layer.Apply(spec, {value.GetString(), value.GetStringLength()});
  }
  if (value.IsUint64()) return layer.Apply(spec, absl::StrCat(value.GetUint64()));
  if (spec.is_list() && value.IsArray()) {
    for (const rapidjson::Value& item : value.GetArray()) {
      if (!item.IsString()) break;
      const auto status = layer.Apply(spec, {item.GetString(), item.GetStringLength()});
      if (!status.ok()) return status;
    }
    if (std::all_of(value.Begin(), value.End(), [](const auto& item) { return item.IsString(); })) {
      return absl::OkStatus();
    }
  }
  return layer.Explain(
      absl::InvalidArgumentError(absl::StrCat("\"", NameOf(spec), "\" has a wrong type")));
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
    const Spec* const spec = FindByName(name);
    if (spec == nullptr) {
      return layer.Explain(
          absl::InvalidArgumentError(absl::StrCat("unknown setting \"", name, "\"")));
    }
    const auto status = ApplyMember(layer, *spec, member->value);
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
    const Spec* const spec = FindByName(variable.name);
    if (spec == nullptr) {
      return layer.Explain(absl::InvalidArgumentError(absl::StrCat(
          "unknown setting ", kEnvironmentPrefix, absl::AsciiStrToUpper(variable.name))));
    }
    const std::vector<std::string> values =
        spec->is_list()
            ? std::vector<std::string>(absl::StrSplit(variable.value, ',', absl::SkipEmpty()))
            : std::vector<std::string>{variable.value};
    for (const std::string& value : values) {
      const auto status = layer.Apply(*spec, value);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyFlags(LoadedSettings& loaded, const std::vector<Argument>& arguments) {
  Layer layer(&loaded.settings, "command line");
  for (const Argument& argument : arguments) {
    if (argument.flag == "config") continue;
    const Spec* const spec = FindByName(absl::StrReplaceAll(argument.flag, {{"-", "_"}}));
    if (spec == nullptr) {
      loaded.others.push_back(argument);
      continue;
    }
    const auto status = layer.Apply(*spec, argument.value);
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
  for (const Spec& spec : Specs()) flags.push_back(spec.flag);
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
  for (const Spec& spec : Specs()) add(spec.flag, spec.placeholder, spec.help);
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

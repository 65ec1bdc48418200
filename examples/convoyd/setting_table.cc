// Table of settings, in three parts: of the process, of its server and of the gateway.
#include "examples/convoyd/setting_table.h"

#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "convoy/option_table.h"
#include "examples/convoyd/arguments.h"
#include "examples/convoyd/database.h"
#include "examples/convoyd/outboxes.h"

namespace convoyd {
namespace {

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

Setting NumberSetting(std::string name, auto field, uint64_t min, uint64_t max, std::string help) {
  return {.flag = absl::StrReplaceAll(name, {{"_", "-"}}),
          .placeholder = "N",
          .help = std::move(help),
          .apply = NumberInto(name, field, min, max)};
}

constexpr uint64_t kDayMs = 24 * 3600 * 1000;
constexpr uint64_t kMany = 1'000'000;

std::vector<Setting> TraceSettings() {
  return {
      {"trace-header", "NAME",
       "header in which the trace of an event comes in and goes on to its endpoints (default "
       "traceparent)",
       [](Settings& settings, std::string_view text) {
         settings.options.trace_header = text;
         return absl::OkStatus();
       }},
      {"otlp-endpoint", "URL",
       "collector of OpenTelemetry that the spans of deliveries are sent to, like "
       "http://127.0.0.1:4318 (default: none)",
       TextInto(&Settings::otlp_endpoint)},
      {"otlp-headers-file", "FILE",
       "holds headers of these requests, a line \"Name: value\" each; for authorization",
       TextInto(&Settings::otlp_headers_file)},
      {"otlp-ca-file", "FILE",
       "PEM file of the certificate authorities that the collector is trusted by, in place of the "
       "system's",
       TextInto(&Settings::otlp_ca_file)},
  };
}

std::vector<Setting> BasicSettings() {
  return {
      {"listen", "ADDR:PORT", "where to serve; port 0 picks a free one (default 127.0.0.1:5005)",
       ApplyListen},
      {"database", "PATH",
       "the SQLite file, or postgres://…; serve and bootstrap create what is missing "
       "(default convoy.db)",
       ApplyDatabase},
      {"public-url", "URL", "how providers reach this server (default: where it listens)",
       TextInto(&Settings::public_url)},
      NumberSetting("workers", &Settings::workers, 1, 256,
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
std::vector<Setting> ServerSettings() {
  return {
      NumberSetting(
          "connections_max", &Settings::connections_max, 1, kMany,
          "connections open at once; one more closes the one that has waited longest, or is "
          "answered with 503 (default 10000)"),
      NumberSetting("connections_per_address_max", &Settings::connections_per_address_max, 0, kMany,
                    "the same of one address (default 0, which is half of them)"),
      NumberSetting("body_memory_bytes_max", &Settings::body_memory_bytes_max, 0, uint64_t{1} << 40,
                    "memory of request bodies and large answers in transit; requests beyond it are "
                    "answered with 503 (default 0, which is 4 of the largest bodies, at least "
                    "134217728)"),
      NumberSetting("body_memory_per_address_bytes_max",
                    &Settings::body_memory_per_address_bytes_max, 0, uint64_t{1} << 40,
                    "the same of one address (default 0, which is half of it)"),
      NumberSetting("descriptors_reserved", &Settings::descriptors_reserved, 16, kMany,
                    "descriptors of the process that neither connections nor deliveries may take "
                    "(default 64)"),
      NumberSetting("request_line_bytes_max", &Settings::request_line_bytes_max, 64, 1 << 20,
                    "longest request line; beyond it 414 (default 8192)"),
      NumberSetting("head_bytes_max", &Settings::head_bytes_max, 256, 1 << 20,
                    "headers of a request, in bytes; beyond it 431 (default 32768)"),
      NumberSetting("headers_max", &Settings::headers_max, 1, 10'000,
                    "headers of a request, in number; beyond it 431 (default 100)"),
      NumberSetting("head_timeout_ms", &Settings::head_timeout, 1, kDayMs,
                    "how long the head of a request may take to arrive; then 408 (default 10000)"),
      NumberSetting("read_timeout_ms", &Settings::read_timeout, 1, kDayMs,
                    "how long a request may take to arrive, then 408, and an answer to be taken "
                    "(default 120000)"),
      NumberSetting("rate_bytes_per_s_min", &Settings::rate_bytes_per_s_min, 0, kMany,
                    "least rate of bodies in 10 s and of answers in 30 s (default 1024)"),
      NumberSetting("idle_timeout_ms", &Settings::idle_timeout, 1, kDayMs,
                    "how long a connection may wait for a request (default 75000)"),
      NumberSetting("drain_timeout_ms", &Settings::drain_timeout, 0, kDayMs,
                    "how long SIGTERM waits for what is in flight (default 10000)"),
  };
}

// A numeric option of the gateway (convoy/option_table.h).
Setting OptionSetting(std::string name, std::string_view option_name) {
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

std::vector<Setting> GatewaySettings() {
  return {
      OptionSetting("body_bytes_max", "body_bytes_max"),
      OptionSetting("in_flight_max", "in_flight_max"),
      OptionSetting("in_flight_per_endpoint_max", "in_flight_per_endpoint_max"),
      OptionSetting("in_flight_bytes_max", "in_flight_bytes_max"),
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
      OptionSetting("connection_idle_ms", "connection_idle_max"),
      OptionSetting("connection_age_ms", "connection_age_max"),
      OptionSetting("name_age_ms", "name_age_max"),
      OptionSetting("lease_ms", "lease"),
      OptionSetting("dedupe_window_ms", "dedupe_window"),
      OptionSetting("redelivery_window_ms", "redelivery_window"),
      OptionSetting("retention_ms", "retention"),
      OptionSetting("dead_letters_max", "dead_letters_max"),
      OptionSetting("quarantine_inputs_max", "quarantine_inputs_max"),
      OptionSetting("quarantine_bytes_max", "quarantine_bytes_max"),
      OptionSetting("quarantine_age_ms", "quarantine_age"),
      OptionSetting("held_inputs_max", "held_inputs_max"),
      OptionSetting("held_bytes_max", "held_bytes_max"),
      OptionSetting("answer_timeout_ms", "answer_timeout"),
      OptionSetting("answer_threads", "answer_threads"),
      OptionSetting("open_jobs_max", "open_jobs_max"),
      OptionSetting("hops_max", "hops_max"),
      OptionSetting("projects_cached_max", "projects_cached_max"),
      OptionSetting("sources_cached_max", "sources_cached_max"),
  };
}

}  // namespace

const std::vector<Setting>& SettingTable() {
  static const auto* const table = [] {
    auto* all = new std::vector<Setting>();
    for (const auto& part :
         {BasicSettings(), TraceSettings(), ServerSettings(), GatewaySettings()}) {
      all->insert(all->end(), part.begin(), part.end());
    }
    return all;
  }();
  return *table;
}

std::string NameOf(const Setting& setting) {
  return absl::StrReplaceAll(setting.flag, {{"-", "_"}});
}

const Setting* FindSetting(std::string_view name) {
  for (const Setting& setting : SettingTable()) {
    if (NameOf(setting) == name) return &setting;
  }
  return nullptr;
}

}  // namespace convoyd

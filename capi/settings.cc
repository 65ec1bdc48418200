// The table is put together once: the numeric options of the gateway (convoy/option_table.h), and
// the settings that are texts.
#include "capi/settings.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "capi/outbox.h"
#include "capi/pages.h"
#include "capi/plugin/loader.h"
#include "convoy/option_table.h"
#include "lib/base/encoding.h"

namespace convoy::capi {
namespace {

template <typename Number>
bool ReadNumber(std::string_view text, Number least, Number most, Number* out) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < least ||
      value > most) {
    return false;
  }
  *out = value;
  return true;
}

constexpr size_t kSecretsKeyBytes = 32;

// Empty: none.
bool ReadKey(std::string_view text, std::string* out) {
  out->clear();
  if (text.empty()) return true;
  std::optional<std::string> key = base::Base64Decode(text);
  if (!key.has_value() || key->size() != kSecretsKeyBytes) return false;
  *out = *std::move(key);
  return true;
}

bool ReadAccess(std::string_view text, convoy::MetricsAccess* out) {
  using convoy::MetricsAccess;
  constexpr std::pair<std::string_view, MetricsAccess> kNames[] = {
      {"nobody", MetricsAccess::kNobody},
      {"token", MetricsAccess::kToken},
      {"anyone", MetricsAccess::kAnyone}};
  for (const auto& [name, access] : kNames) {
    if (name != text) continue;
    *out = access;
    return true;
  }
  return false;
}

// Those that are options of the gateway, in units of `scale` (option_table.h).
struct OptionSetting {
  std::string_view key;
  std::string_view option;
  uint64_t scale = 1;
};

constexpr uint64_t kSeconds = 1000;

constexpr OptionSetting kOptionSettings[] = {
    {"gateway.body_bytes_max", "body_bytes_max"},
    {"gateway.dedupe_window_s", "dedupe_window", kSeconds},
    {"gateway.redelivery_window_s", "redelivery_window", kSeconds},
    {"gateway.retention_s", "retention", kSeconds},
    {"gateway.dead_letters_max", "dead_letters_max"},
    {"gateway.quarantine_inputs_max", "quarantine_inputs_max"},
    {"gateway.quarantine_bytes_max", "quarantine_bytes_max"},
    {"gateway.quarantine_age_s", "quarantine_age", kSeconds},
    {"gateway.open_jobs_max", "open_jobs_max"},
    {"gateway.held_inputs_max", "held_inputs_max"},
    {"gateway.held_bytes_max", "held_bytes_max"},
    {"gateway.hops_max", "hops_max"},
    {"gateway.answer_timeout_ms", "answer_timeout"},
    {"gateway.answer_threads", "answer_threads"},
    {"gateway.outcomes_max", "outcomes_max"},
    {"gateway.projects_cached_max", "projects_cached_max"},
    {"gateway.sources_cached_max", "sources_cached_max"},
    {"deliver.in_flight_max", "in_flight_max"},
    {"deliver.in_flight_per_endpoint_max", "in_flight_per_endpoint_max"},
    {"deliver.in_flight_bytes_max", "in_flight_bytes_max"},
    {"deliver.connections_max", "connections_max"},
    {"deliver.connection_idle_s", "connection_idle_max", kSeconds},
    {"deliver.connection_age_s", "connection_age_max", kSeconds},
    {"deliver.name_age_s", "name_age_max", kSeconds},
    {"deliver.lease_s", "lease", kSeconds},
};

Setting SettingOf(const OptionSetting& entry) {
  const NumericOption* const option = FindNumericOption(entry.option);
  const uint64_t scale = entry.scale;
  const auto set = [option, scale](convoy_config& config, std::string_view text) {
    uint64_t value = 0;
    if (!ReadNumber<uint64_t>(text, 0, UINT64_MAX / scale, &value)) return false;
    if (!option->Allows(value * scale)) return false;
    option->set(config.options, value * scale);
    return true;
  };
  return {.key = std::string(entry.key),
          .default_text = absl::StrCat(option->get(GatewayOptions()) / scale),
          .help = absl::StrCat(option->help, "; ", RangeOf(*option, scale)),
          .set = set};
}

// Those of the store and of the gateway that are no numeric options.
std::vector<Setting> OtherSettings() {
  return {
      {"storage.path", "",
       "SQLite file, created if missing, or postgres:// URI, which libconvoy-postgres.so serves; "
       "empty: in memory, forgotten at the end",
       [](convoy_config& config, std::string_view value) {
         config.storage_path = value;
         return value.find('\0') == std::string_view::npos;
       },
       true},
      {"gateway.public_url", "http://localhost:5005",
       "scheme and authority under which the host serves the gateway",
       [](convoy_config& config, std::string_view value) {
         config.options.public_url = value;
         return value.starts_with("http://") || value.starts_with("https://");
       }},
      {"gateway.buffered_bytes_max", "268435456",
       "memory of requests between convoy_http_begin and _finish, and of those that "
       "convoy_http_handle_async has copied; beyond it 503; 1 to 1099511627776",
       [](convoy_config& config, std::string_view value) {
         return ReadNumber<uint64_t>(value, 1, uint64_t{1} << 40, &config.buffered_bytes_max);
       }},
      {"gateway.completions", "library",
       "threads that run callbacks of asynchronous calls: library, or poll (that of "
       "convoy_gateway_poll alone)",
       [](convoy_config& config, std::string_view value) {
         config.options.has_polled_completions = value == "poll";
         return value == "poll" || value == "library";
       }},
      {"storage.secrets_key", "",
       "32 bytes, as base64: the key under which secrets are kept encrypted in the store",
       [](convoy_config& config, std::string_view value) {
         return ReadKey(value, &config.options.secrets_key);
       },
       true},
      {"storage.former_secrets_key", "", "the key, as base64, that storage.secrets_key replaces",
       [](convoy_config& config, std::string_view value) {
         return ReadKey(value, &config.options.former_secrets_key);
       },
       true},
  };
}

// Those of e-mails. Checked when a gateway is opened.
std::vector<Setting> MailSettings() {
  const auto text_into = [](std::string GatewayOptions::*field) {
    return [field](convoy_config& config, std::string_view value) {
      config.options.*field = value;
      return value.find('\0') == std::string_view::npos;
    };
  };
  return {
      {"mail.server", "",
       "smtp://host:port or smtps://host:port of the server that e-mails about endpoints in "
       "trouble are sent by; empty: none is sent",
       text_into(&GatewayOptions::mail_server)},
      {"mail.from", "", "the sender's address of e-mails", text_into(&GatewayOptions::mail_from)},
      {"mail.user", "", "user of the mail server; empty: it wants none",
       text_into(&GatewayOptions::mail_user)},
      {"mail.password", "", "password of mail.user", text_into(&GatewayOptions::mail_password),
       true},
  };
}

// Those of metrics and of deliveries.
std::vector<Setting> OutwardSettings() {
  return {
      {"metrics.access", "nobody",
       "access to GET /metrics: nobody, token (requests with metrics.token) or anyone",
       [](convoy_config& config, std::string_view value) {
         return ReadAccess(value, &config.options.metrics_access);
       }},
      // Checked when a gateway is opened; the error does not repeat the value.
      {"metrics.token", "", "for metrics.access token: 16 to 256 visible ASCII characters",
       [](convoy_config& config, std::string_view value) {
         config.options.metrics_token = value;
         return true;
       }},
      {"deliver.allowed_networks", "",
       "private networks that deliveries may reach, as CIDR, separated by commas",
       [](convoy_config& config, std::string_view value) {
         config.options.allowed_networks = absl::StrSplit(value, ',', absl::SkipWhitespace());
         return true;
       }},
      // Each name is checked when a gateway is opened.
      {"local.names", "",
       "names of local endpoints whose deliveries this host takes, separated by commas; *: every "
       "name; empty: none",
       [](convoy_config& config, std::string_view value) {
         config.options.local_names = absl::StrSplit(value, ',', absl::SkipWhitespace());
         return true;
       }},
      // Set by name (outbox.h).
      {std::string(kOutboxKey), "", std::string(kOutboxHelp),
       [](convoy_config&, std::string_view) { return false; }, true},
      {"outboxes.create", "off",
       "making of the tables of outboxes where they are missing: on or off",
       [](convoy_config& config, std::string_view value) {
         config.should_create_outboxes = value == "on";
         return value == "on" || value == "off";
       }},
      {"deliver.ca_file", "",
       "PEM file of the authorities that endpoints are trusted by; empty: the system's",
       [](convoy_config& config, std::string_view value) {
         config.options.ca_file = value;
         return true;
       }},
      // Checked when a gateway is opened; the error does not repeat the value, which may hold a
      // password.
      {"deliver.proxy", "",
       "URL of the proxy to endpoints, http, https or socks5h; empty: none, even if the "
       "environment names one",
       [](convoy_config& config, std::string_view value) {
         config.options.delivery_proxy = value;
         return true;
       }},
      // Checked when a gateway is opened.
      {"deliver.trace_header", "traceparent",
       "header in which the trace of an event comes in and goes on to its endpoints",
       [](convoy_config& config, std::string_view value) {
         config.options.trace_header = value;
         return !value.empty() && value.find('\0') == std::string_view::npos;
       }},
      {"deliver.http2", "on", "HTTP/2 with endpoints over TLS that offer it: on or off",
       [](convoy_config& config, std::string_view value) {
         config.options.has_http2 = value == "on";
         return value == "on" || value == "off";
       }},
  };
}

// Those of the dashboard and the portal. Checked when a gateway is opened.
std::vector<Setting> PageSettings() {
  std::string prefix_help =
      "path under which the dashboard is served, /ui for example; empty: it is not";
  if (!HasPages()) prefix_help += "; this library was built without it (CONVOY_UI)";
  return {
      {"ui.prefix", "", std::move(prefix_help),
       [](convoy_config& config, std::string_view value) {
         config.ui_prefix = value;
         return value.empty() || HasPages();
       }},
      {"ui.frame_origins", "",
       "pages that may show the owners' portal in a frame, like https://app.example.com, separated "
       "by commas",
       [](convoy_config& config, std::string_view value) {
         config.ui_frame_origins = absl::StrSplit(value, ',', absl::SkipWhitespace());
         return true;
       }},
  };
}

// Names separated by commas.
bool ReadAdapters(std::string_view text, std::vector<std::string>* out) {
  *out = absl::StrSplit(text, ',', absl::SkipWhitespace());
  for (std::string& name : *out) name = std::string(absl::StripAsciiWhitespace(name));
  return std::all_of(out->begin(), out->end(), IsPluginName);
}

bool ReadLevel(std::string_view text, uint32_t* out) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  const auto* const found = std::find(std::begin(kNames), std::end(kNames), text);
  *out = static_cast<uint32_t>(found - std::begin(kNames));
  return found != std::end(kNames);
}

// Those of plug-ins and of the log.
std::vector<Setting> PluginSettings() {
  return {
      {"broker.adapters", "",
       "adapters of message brokers to load, separated by commas: kafka, amqp, sqs, pubsub; each "
       "is libconvoy-NAME.so; empty: none",
       [](convoy_config& config, std::string_view value) {
         return ReadAdapters(value, &config.adapters);
       }},
      {"broker.adapters_dir", "",
       "absolute path of the folder that adapters and libconvoy-postgres.so are loaded from; "
       "empty: the folder convoy beside libconvoy.so, or that of libconvoy.so",
       [](convoy_config& config, std::string_view value) {
         config.adapters_folder = value;
         return value.find('\0') == std::string_view::npos &&
                (value.empty() || value.starts_with('/'));
       }},
      {"gateway.log_lines_max", "0",
       "log lines that wait for convoy_gateway_next_log; 0 keeps none; 0 to 1000000",
       [](convoy_config& config, std::string_view value) {
         return ReadNumber<uint32_t>(value, 0, 1'000'000, &config.log_lines_max);
       }},
      {"gateway.log_level", "info", "the least level of those lines: debug, info, warning or error",
       [](convoy_config& config, std::string_view value) {
         return ReadLevel(value, &config.log_level_least);
       }},
  };
}

}  // namespace

const std::vector<Setting>& Settings() {
  static const auto* const settings = [] {
    auto* all = new std::vector<Setting>(OtherSettings());
    for (Setting& setting : OutwardSettings()) all->push_back(std::move(setting));
    for (Setting& setting : MailSettings()) all->push_back(std::move(setting));
    for (Setting& setting : PageSettings()) all->push_back(std::move(setting));
    for (Setting& setting : PluginSettings()) all->push_back(std::move(setting));
    for (const OptionSetting& entry : kOptionSettings) all->push_back(SettingOf(entry));
    return all;
  }();
  return *settings;
}

}  // namespace convoy::capi

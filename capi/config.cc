// Table of all settings: name, default, description and setter of each.
#include "capi/config.h"

#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "capi/shim.h"
#include "lib/base/encoding.h"

namespace {

using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::LogCallback;
using convoy::capi::View;

struct Setting {
  const char* key;
  const char* default_text;
  const char* help;
  // False if the value is not allowed.
  bool (*set)(convoy_config& config, std::string_view value);
  bool is_secret = false;  // no error repeats the value
};

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

bool ReadSeconds(std::string_view text, uint32_t least, uint32_t most, absl::Duration* out) {
  uint32_t seconds = 0;
  if (!ReadNumber(text, least, most, &seconds)) return false;
  *out = absl::Seconds(seconds);
  return true;
}

bool ReadSecondsOrForEver(std::string_view text, absl::Duration* out) {
  if (!ReadSeconds(text, 0, UINT32_MAX, out)) return false;
  if (*out == absl::ZeroDuration()) *out = absl::InfiniteDuration();
  return true;
}

constexpr size_t kSecretsKeyBytes = 32;

bool ReadKey(std::string_view text, std::string* out) {
  std::optional<std::string> key = convoy::base::Base64Decode(text);
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

constexpr Setting kSettings[] = {
    {"storage.path", "", "SQLite file, created if missing; empty: in memory, forgotten at the end",
     [](convoy_config& config, std::string_view value) {
       config.storage_path = value;
       return value.find('\0') == std::string_view::npos;
     }},
    {"gateway.public_url", "http://localhost:5005",
     "scheme and authority under which the host serves the gateway",
     [](convoy_config& config, std::string_view value) {
       config.options.public_url = value;
       return value.starts_with("http://") || value.starts_with("https://");
     }},
    {"gateway.body_bytes_max", "33554432", "largest request body, 1 to 1073741824",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint64_t>(value, 1, 1u << 30, &config.options.body_bytes_max);
     }},
    {"gateway.buffered_bytes_max", "268435456",
     "memory of requests between convoy_http_begin and _finish; beyond it 503; 1 to 1099511627776",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint64_t>(value, 1, uint64_t{1} << 40, &config.buffered_bytes_max);
     }},
    {"gateway.dedupe_window_s", "0", "how long idempotency keys are remembered; 0: for ever",
     [](convoy_config& config, std::string_view value) {
       return ReadSecondsOrForEver(value, &config.options.dedupe_window);
     }},
    {"gateway.retention_s", "0",
     "how long events are kept, unless they have unfinished deliveries; 0: for ever",
     [](convoy_config& config, std::string_view value) {
       return ReadSecondsOrForEver(value, &config.options.retention);
     }},
    {"gateway.quarantine_inputs_max", "1000",
     "refused requests that a source in quarantine mode keeps, 1 to 1000000",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint32_t>(value, 1, 1'000'000, &config.options.quarantine_inputs_max);
     }},
    {"gateway.quarantine_bytes_max", "67108864",
     "bytes of the bodies that it keeps, if all are as large as the latest, 1 to 1099511627776",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint64_t>(value, 1, uint64_t{1} << 40,
                                   &config.options.quarantine_bytes_max);
     }},
    {"gateway.quarantine_age_s", "604800", "how long such a source keeps them, 1 to 4294967295",
     [](convoy_config& config, std::string_view value) {
       return ReadSeconds(value, 1, UINT32_MAX, &config.options.quarantine_age);
     }},
    {"gateway.projects_cached_max", "1024", "projects kept in memory, 1 to 1000000",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint32_t>(value, 1, 1'000'000, &config.options.projects_cached_max);
     }},
    {"gateway.sources_cached_max", "16384", "sources kept in memory, 1 to 10000000",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint32_t>(value, 1, 10'000'000, &config.options.sources_cached_max);
     }},
    {"gateway.hops_max", "4",
     "gateways that an event may have passed before it is refused as going in circles, 1 to 100",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint32_t>(value, 1, 100, &config.options.hops_max);
     }},
    {"gateway.answer_timeout_ms", "10000",
     "how long an answer of the REST API may take, then it is 503; 1 to 86400000",
     [](convoy_config& config, std::string_view value) {
       uint32_t milliseconds = 0;
       if (!ReadNumber<uint32_t>(value, 1, 86'400'000, &milliseconds)) return false;
       config.options.answer_timeout = absl::Milliseconds(milliseconds);
       return true;
     }},
    {"gateway.answer_threads", "3",
     "threads for answers that may take long, once the gateway is started; 2 to 64",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint32_t>(value, 2, 64, &config.options.answer_threads);
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
    {"deliver.in_flight_max", "1024", "deliveries in flight at once, 1 to 100000",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint32_t>(value, 1, 100'000, &config.options.in_flight_max);
     }},
    {"deliver.in_flight_per_endpoint_max", "16", "deliveries in flight to one endpoint, 1 to 10000",
     [](convoy_config& config, std::string_view value) {
       return ReadNumber<uint32_t>(value, 1, 10'000, &config.options.in_flight_per_endpoint_max);
     }},
    {"deliver.ca_file", "",
     "PEM file of the authorities that endpoints are trusted by; empty: the system's",
     [](convoy_config& config, std::string_view value) {
       config.options.ca_file = value;
       return true;
     }},
    {"deliver.connection_idle_s", "60", "how long an idle connection is kept, 1 to 86400",
     [](convoy_config& config, std::string_view value) {
       return ReadSeconds(value, 1, 86'400, &config.options.connection_idle_max);
     }},
    {"deliver.connection_age_s", "300", "how long a connection is used, 1 to 86400",
     [](convoy_config& config, std::string_view value) {
       return ReadSeconds(value, 1, 86'400, &config.options.connection_age_max);
     }},
    {"deliver.name_age_s", "30", "how long the address of a name is believed, 1 to 86400",
     [](convoy_config& config, std::string_view value) {
       return ReadSeconds(value, 1, 86'400, &config.options.name_age_max);
     }},
    {"deliver.lease_s", "90", "lease of a delivery, which bounds each attempt, 5 to 3600",
     [](convoy_config& config, std::string_view value) {
       return ReadSeconds(value, 5, 3600, &config.options.lease);
     }},
};

}  // namespace

convoy_status convoy_config_new(convoy_config** out, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    *out = new convoy_config;
    return CONVOY_OK;
  });
}

void convoy_config_free(convoy_config* config) { delete config; }

convoy_status convoy_config_set(convoy_config* config, const char* key, size_t key_size,
                                const char* value, size_t value_size, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (config == nullptr) return FailNull(error, "config");
    if (!IsReadable(key, key_size)) return FailNull(error, "key");
    if (!IsReadable(value, value_size)) return FailNull(error, "value");
    for (const Setting& setting : kSettings) {
      if (View(key, key_size) != setting.key) continue;
      convoy_config changed = *config;
      if (!setting.set(changed, View(value, value_size))) {
        const std::string given =
            setting.is_secret ? "the value" : absl::StrCat("'", View(value, value_size), "'");
        return Fail(error, CONVOY_E_INVALID,
                    absl::StrCat(setting.key, ": ", given, " does not fit: ", setting.help));
      }
      *config = std::move(changed);
      return CONVOY_OK;
    }
    return Fail(error, CONVOY_E_INVALID,
                absl::StrCat("there is no setting called '", View(key, key_size), "'"));
  });
}

convoy_status convoy_config_set_log(convoy_config* config, uint32_t level_least, convoy_log_fn log,
                                    void* user, void (*user_free)(void* user),
                                    convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    // From here on `user` is freed with its owner, also if the call fails.
    convoy::capi::UserData owner(user, user_free);
    if (config == nullptr) return FailNull(error, "config");
    if (level_least > CONVOY_LOG_ERROR) {
      return Fail(error, CONVOY_E_INVALID, "level_least: there is no such level");
    }
    config->log = log == nullptr
                      ? nullptr
                      : std::make_shared<LogCallback>(level_least, log, std::move(owner));
    return CONVOY_OK;
  });
}

int32_t convoy_config_describe(size_t index, const char** out_key, const char** out_default,
                               const char** out_help) {
  const bool exists = index < std::size(kSettings);
  if (out_key != nullptr) *out_key = exists ? kSettings[index].key : nullptr;
  if (out_default != nullptr) *out_default = exists ? kSettings[index].default_text : nullptr;
  if (out_help != nullptr) *out_help = exists ? kSettings[index].help : nullptr;
  return exists;
}

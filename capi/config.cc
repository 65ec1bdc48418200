// Configuration of a gateway in the C interface.
#include "capi/config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "capi/outbox.h"
#include "capi/settings.h"
#include "capi/shim.h"

namespace {

using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::LogCallback;
using convoy::capi::Setting;
using convoy::capi::Settings;
using convoy::capi::View;

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
    const std::string_view name = View(key, key_size);
    const bool is_outbox = name.starts_with(convoy::capi::kOutboxKeyPrefix);
    for (const Setting& setting : Settings()) {
      if (setting.key != (is_outbox ? convoy::capi::kOutboxKey : name)) continue;
      convoy_config changed = *config;
      const bool fits = is_outbox ? convoy::capi::SetOutbox(
                                        changed, name.substr(convoy::capi::kOutboxKeyPrefix.size()),
                                        View(value, value_size))
                                  : setting.set(changed, View(value, value_size));
      if (!fits) {
        const std::string given =
            setting.is_secret ? "the value" : absl::StrCat("'", View(value, value_size), "'");
        return Fail(error, CONVOY_E_INVALID,
                    absl::StrCat(name, ": ", given, " does not fit: ", setting.help));
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
  const Setting* setting = nullptr;
  Guard(nullptr, [&] {
    if (index < Settings().size()) setting = &Settings()[index];
    return CONVOY_OK;
  });
  const bool exists = setting != nullptr;
  if (out_key != nullptr) *out_key = exists ? setting->key.c_str() : nullptr;
  if (out_default != nullptr) *out_default = exists ? setting->default_text.c_str() : nullptr;
  if (out_help != nullptr) *out_help = exists ? setting->help.c_str() : nullptr;
  return exists;
}

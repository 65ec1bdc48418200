// Gateways from the settings of the C interface, as a host in C++ makes them: of options and parts.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "scenario_step.h"

#include "convoy/gateway.h"
#include "convoy/option_table.h"
#include "convoy/outbox.h"

namespace scenario {

class LogLines : public convoy::Observer {
 public:
  void Log(convoy::LogLevel level, std::string_view event,
           std::span<const convoy::LogField>) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(level, event);
  }

  bool Has(convoy::LogLevel level, std::string_view event) {
    const std::lock_guard lock(mutex_);
    return std::ranges::count(lines_, std::pair(level, std::string(event))) > 0;
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<convoy::LogLevel, std::string>> lines_;
};

inline void SetNumber(std::string_view name, std::string_view text,
                      convoy::GatewayOptions* options) {
  const convoy::NumericOption* const option = convoy::FindNumericOption(name);
  uint64_t value = 0;
  if (option == nullptr || !absl::SimpleAtoi(text, &value) || !option->Allows(value)) {
    Fail(absl::StrCat("gateway.", name, ": no such setting, or not this value"));
  }
  option->set(*options, value);
}

inline std::shared_ptr<convoy::Broker> NewOutboxes(const std::map<std::string, std::string>& paths,
                                                   bool should_create) {
  std::map<std::string, std::shared_ptr<convoy::Broker>> outboxes;
  for (const auto& [name, path] : paths) {
    outboxes[name] = convoy::NewSqliteOutbox({.path = path, .should_create = should_create});
  }
  return convoy::NewOutboxBroker(std::move(outboxes));
}

// A gateway with the options and parts that the settings of the C interface stand for.
inline absl::StatusOr<std::unique_ptr<convoy::Gateway>> OpenGateway(
    const Json& settings, std::shared_ptr<convoy::Observer> observer = nullptr) {
  convoy::GatewayOptions options = {.has_polled_completions = true};
  std::string storage_path;
  std::map<std::string, std::string> outboxes;
  bool should_create = false;
  for (const auto& setting : settings.GetObject()) {
    std::string_view key = View(setting.name);
    const std::string_view value = View(setting.value);
    if (key == "storage.path") {
      storage_path = value;
    } else if (key == "local.names") {
      options.local_names = absl::StrSplit(value, ',');
    } else if (key == "outboxes.create") {
      should_create = value == "on";
    } else if (absl::ConsumePrefix(&key, "outbox.")) {
      outboxes[std::string(key)] = value;
    } else if (absl::StartsWith(key, "gateway.log_")) {
      continue;  // an observer gets every line
    } else if (absl::ConsumePrefix(&key, "gateway.")) {
      SetNumber(key, value, &options);
    } else {
      Fail(absl::StrCat(key, ": unknown setting"));
    }
  }
  convoy::GatewayParts parts = {.observer = std::move(observer)};
  parts.storage = storage_path.empty() ? convoy::NewMemoryStorage()
                                       : ValueOf(convoy::OpenSqliteStorage(storage_path));
  if (!outboxes.empty()) parts.brokers.push_back(NewOutboxes(outboxes, should_create));
  return convoy::Gateway::Open(std::move(options), std::move(parts));
}

}  // namespace scenario

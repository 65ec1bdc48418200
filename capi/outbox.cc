// Outboxes of the C interface: files of SQLite.
#include "capi/outbox.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/outbox.h"

namespace convoy::capi {

bool SetOutbox(convoy_config& config, std::string_view name, std::string_view path) {
  if (!CheckOutboxName(name).ok()) return false;
  if (path.empty()) {
    config.outboxes.erase(std::string(name));
    return true;
  }
  const bool is_path = !path.starts_with(":") && !path.starts_with("file:") &&
                       path.find("://") == std::string_view::npos &&
                       path.find('\0') == std::string_view::npos;
  if (is_path) config.outboxes[std::string(name)] = path;
  return is_path;
}

absl::Status CheckOutboxesKept(const convoy_config& config) {
  if (config.outboxes.empty() || !config.storage_path.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      kOutboxKeyPrefix, config.outboxes.begin()->first,
      ": set storage.path as well: events in memory end with the process, and the rows that they "
      "were made of would be deleted already"));
}

std::shared_ptr<Broker> NewOutboxes(const convoy_config& config) {
  if (config.outboxes.empty()) return nullptr;
  std::map<std::string, std::shared_ptr<Broker>> outboxes;
  for (const auto& [name, path] : config.outboxes) {
    outboxes[name] =
        NewSqliteOutbox({.path = path, .should_create = config.should_create_outboxes});
  }
  return NewOutboxBroker(std::move(outboxes));
}

}  // namespace convoy::capi

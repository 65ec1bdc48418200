// Outboxes of the C interface: files of SQLite, and PostgreSQL by a connection URI.
#include "capi/outbox.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "capi/plugin/loader.h"
#include "capi/store.h"
#include "convoy/outbox.h"

namespace convoy::capi {

bool SetOutbox(convoy_config& config, std::string_view name, std::string_view place) {
  if (!CheckOutboxName(name).ok()) return false;
  if (place.empty()) {
    config.outboxes.erase(std::string(name));
    return true;
  }
  const bool is_path = !place.starts_with(":") && !place.starts_with("file:") &&
                       place.find("://") == std::string_view::npos;
  const bool is_place =
      (is_path || IsPostgres(place)) && place.find('\0') == std::string_view::npos;
  if (is_place) config.outboxes[std::string(name)] = place;
  return is_place;
}

absl::Status CheckOutboxesKept(const convoy_config& config) {
  const bool is_kept = !config.storage_path.empty() || config.storage != nullptr;
  if (config.outboxes.empty() || is_kept) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      kOutboxKeyPrefix, config.outboxes.begin()->first,
      ": set storage.path as well: events in memory end with the process, and the rows that they "
      "were made of would be deleted already"));
}

absl::StatusOr<std::shared_ptr<Broker>> NewOutboxes(const convoy_config& config) {
  if (config.outboxes.empty()) return nullptr;
  std::map<std::string, std::shared_ptr<Broker>> outboxes;
  for (const auto& [name, place] : config.outboxes) {
    if (!IsPostgres(place)) {
      outboxes[name] =
          NewSqliteOutbox({.path = place, .should_create = config.should_create_outboxes});
      continue;
    }
    const auto plugin = LoadStore("postgres", config.adapters_folder);
    if (!plugin.ok()) {
      return absl::Status(plugin.status().code(),
                          absl::StrCat(kOutboxKeyPrefix, name, ": ", plugin.status().message()));
    }
    outboxes[name] = (*plugin)->new_outbox(place, config.should_create_outboxes);
  }
  return NewOutboxBroker(std::move(outboxes));
}

}  // namespace convoy::capi

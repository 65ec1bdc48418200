// Choice of a store.
#include "capi/store.h"

#include <string>

#include "absl/strings/str_cat.h"

#include "capi/plugin/loader.h"
#include "convoy/gateway.h"
#include "convoy/table_storage.h"

namespace convoy::capi {

bool IsPostgres(std::string_view place) {
  return place.starts_with("postgres://") || place.starts_with("postgresql://");
}

namespace {

absl::StatusOr<std::unique_ptr<Storage>> OpenOfHost(const convoy_config& config,
                                                    const Engine& engine) {
  if (!config.storage_path.empty()) {
    return absl::InvalidArgumentError(
        "storage.path: must be empty, because the host has set a storage of its own");
  }
  if (config.storage->is_taken.exchange(true)) {
    return absl::FailedPreconditionError("storage: another gateway uses it");
  }
  return OpenTableStorage(std::make_unique<CStorage>(config.storage, &engine));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Storage>> OpenStore(const convoy_config& config,
                                                   const Engine& engine,
                                                   const std::shared_ptr<Observer>& observer) {
  if (config.storage != nullptr) return OpenOfHost(config, engine);
  if (config.storage_path.empty()) return NewMemoryStorage();
  if (!IsPostgres(config.storage_path)) {
    return OpenSqliteStorage({.path = config.storage_path, .observer = observer});
  }
  const absl::StatusOr<const StorePlugin*> plugin = LoadStore("postgres", config.adapters_folder);
  if (!plugin.ok()) {
    return absl::Status(plugin.status().code(),
                        absl::StrCat("storage.path: ", plugin.status().message()));
  }
  return (*plugin)->open_storage(config.storage_path);
}

}  // namespace convoy::capi

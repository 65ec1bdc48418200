// Plug-in of the store in PostgreSQL: its entry point.
#include "convoy/postgres.h"

#include "capi/convoy.h"
#include "capi/plugin/store_plugin.h"
#include "convoy/outbox.h"

namespace convoy::capi {
namespace {

absl::StatusOr<std::unique_ptr<Storage>> OpenStorage(const std::string& uri) {
  return OpenPostgresStorage({.dsn = uri});
}

std::shared_ptr<Broker> NewOutbox(const std::string& uri, bool should_create) {
  return NewPostgresOutbox({.dsn = uri, .should_create = should_create});
}

}  // namespace
}  // namespace convoy::capi

extern "C" CONVOY_API const convoy::capi::StorePlugin* convoy_store_plugin() {
  static constexpr convoy::capi::StorePlugin kPlugin = {.stamp = convoy::capi::kBuildStamp,
                                                        .open_storage = &convoy::capi::OpenStorage,
                                                        .new_outbox = &convoy::capi::NewOutbox};
  return &kPlugin;
}

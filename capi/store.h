// Store of a gateway and its outboxes' places, chosen by the form of a setting: an SQLite file, or
// PostgreSQL by a connection URI.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

#include "capi/config.h"
#include "convoy/observer.h"
#include "convoy/storage.h"

namespace convoy::capi {

// Whether a setting's value is a connection URI of PostgreSQL.
bool IsPostgres(std::string_view place);

// The store that storage.path names; in memory if it is empty. Failures as of LoadStore, for a URI.
absl::StatusOr<std::unique_ptr<Storage>> OpenStore(const convoy_config& config,
                                                   const std::shared_ptr<Observer>& observer);

}  // namespace convoy::capi

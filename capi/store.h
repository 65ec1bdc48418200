// Store of a gateway and its outboxes' places: the host's, or chosen by the form of a setting, an
// SQLite file, or PostgreSQL by a connection URI.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

#include "capi/config.h"
#include "capi/gateway.h"
#include "convoy/observer.h"
#include "convoy/storage.h"

namespace convoy::capi {

// Whether a setting's value is a connection URI of PostgreSQL.
bool IsPostgres(std::string_view place);

// The host's store or the one that storage.path names; in memory without either. Failures as of
// LoadStore, for a URI, and of TableStorage for the host's; kFailedPrecondition, too, if another
// gateway uses that. `engine` is that of the gateway.
absl::StatusOr<std::unique_ptr<Storage>> OpenStore(const convoy_config& config,
                                                   const Engine& engine,
                                                   const std::shared_ptr<Observer>& observer);

}  // namespace convoy::capi

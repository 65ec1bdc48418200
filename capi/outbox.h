// Settings of transactional outboxes, "outbox.NAME", and the adapter that reads them.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "capi/config.h"
#include "convoy/broker.h"

namespace convoy::capi {

inline constexpr std::string_view kOutboxKeyPrefix = "outbox.";
// In the table of settings it stands for all of them.
inline constexpr std::string_view kOutboxKey = "outbox.NAME";
inline constexpr std::string_view kOutboxHelp =
    "SQLite file or postgres:// URI of the database whose transactional outbox sources may read by "
    "this name: 1 to 64 letters, digits, '_', '-' and '.'; empty: none of this name";

// False if `name` or `place` is not allowed.
bool SetOutbox(convoy_config& config, std::string_view name, std::string_view place);

// kInvalidArgument if rows would be deleted although their events are in memory alone.
absl::Status CheckOutboxesKept(const convoy_config& config);

// Null if there are no outboxes. Failures as of LoadStore, for one in PostgreSQL.
absl::StatusOr<std::shared_ptr<Broker>> NewOutboxes(const convoy_config& config);

}  // namespace convoy::capi

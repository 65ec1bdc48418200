// Meta events: what happens in a project, as events of a project of its own (MetaEventConfig),
// which are delivered like all others.
//
// One is written in the transaction of what it tells of. An attempt whose outcome another process
// has recorded meanwhile may be told twice.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/base/ulid.h"

namespace convoy::model {

// All that can be asked for.
std::span<const std::string_view> MetaEventTypes();

// Whether the project tells of such happenings.
bool TellsOf(const ProjectConfig& config, std::string_view type);

// Adds the meta event and its delivery to the batch, if the project tells of such. `data` is a JSON
// object: of `config`'s project, without secrets.
void AddMetaEvent(const ProjectConfig& config, std::string_view type, std::string_view data,
                  absl::Time now, base::UlidGenerator& ulids, WriteBatch* batch);

// The data of a meta event about these.
std::string MetaDataOf(const Endpoint& endpoint);
std::string MetaDataOf(const Delivery& delivery);
std::string MetaDataOf(const Project& project);

// "eventdelivery.success", "eventdelivery.failed", or "eventdelivery.updated": it is tried again.
std::string_view MetaEventTypeOf(DeliveryStatus status);

}  // namespace convoy::model

// Settings of meta events, and the project of its own that carries those of another one.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/http/request/api_parts.h"
#include "lib/json/document.h"

namespace convoy::http {

// The member "meta_event" of a project's settings, read over what `out` holds.
absl::Status ReadMetaEvents(const json::Value& config, const ApiParts& parts,
                            bool is_https_required, std::optional<MetaEventConfig>* out);

// To be called before `project` is put by `write`: makes what carries its meta events once they are
// enabled, or brings it in line with the settings, and names it in the project.
absl::Status PlanMetaProject(const ApiParts& parts, Project* project, ConfigWrite* write);

// Adds to the batch the meta events about endpoints that its change of `project` makes, changes and
// removes.
absl::Status TellOfEndpoints(const ApiParts& parts, const route::ProjectSnapshot& project,
                             const ConfigWrite& write, WriteBatch* batch);

}  // namespace convoy::http

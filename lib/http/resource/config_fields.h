// Reading of configuration objects from JSON: what the handlers of each resource and the import
// have in common. Each reads over what `out` holds already and tells of every field that is wrong.
#pragma once

#include <string_view>

#include "absl/status/status.h"

#include "convoy/model.h"
#include "convoy/options.h"
#include "lib/http/request/api_parts.h"
#include "lib/json/document.h"

namespace convoy::http {

// The type is not read: it is fixed once a project is made.
absl::Status ReadProject(const json::Value& object, const GatewayOptions& options,
                         const ApiParts& parts, Project* out);

struct SourceReading {
  bool is_new;
  ProjectType project_type;
  const ApiParts& parts;
};
absl::Status ReadSource(const json::Value& object, const SourceReading& reading, Source* out);

// `body` is the text of `object`: filters are kept as they are written. Whether the endpoint and
// the source exist is left to the caller.
absl::Status ReadSubscription(const json::Value& object, std::string_view body,
                              const ProjectConfig& project, const Scripting* scripting,
                              Subscription* out);

}  // namespace convoy::http

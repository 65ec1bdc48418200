// Plan of an import: which objects of a document from Convoy are to be stored, which are there
// already, and what stands in the way. Planning reads the store and changes nothing.
//
// Document: {"projects", "sources", "endpoints", "subscriptions", "api_keys"}, each a list of
// objects in the shapes of the REST API (docs/moving-from-convoy.md). An object that is there
// already is left as it is, so the same document may be imported again.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/options.h"
#include "convoy/storage.h"
#include "lib/http/request/api_parts.h"
#include "lib/json/document.h"

namespace convoy::http {

struct ImportNote {
  std::string object;  // "endpoints[3] (01H…)"
  std::string reason;  // of a refusal: "url:must …", every field that is wrong
};

// The first of them, and how many there are.
struct ImportNotes {
  std::vector<ImportNote> first;
  size_t count = 0;
};

// The writes are guarded by the revisions of what the plan was made from.
struct ImportPlan {
  ConfigWrite instance_write;                         // projects and API keys
  std::map<std::string, ConfigWrite> project_writes;  // the others, by project
  std::map<std::string, size_t> created;              // by the name of the list
  std::map<std::string, size_t> existing;
  ImportNotes refused;  // with one of these, nothing may be written
  ImportNotes skipped;  // what cannot be carried over and hinders nothing
};

// A status that is not OK: the store could not be asked, or `document` is none.
absl::StatusOr<ImportPlan> PlanImport(const json::Value& document, const GatewayOptions& options,
                                      const ApiParts& parts);

}  // namespace convoy::http

// Loader of plug-ins: adapters of message brokers and the store in PostgreSQL, in shared libraries
// of their own, so that their client libraries come into a process only on request.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "capi/convoy_parts.h"
#include "capi/plugin/store_plugin.h"

namespace convoy::capi {

// Whether a plug-in may have the name: 1 to 32 characters a-z, 0-9 and _.
bool IsPluginName(std::string_view name);

// Loads libconvoy-`name`.so from `folder`, or, if that is empty, from the folder convoy beside this
// library or the library's own; nowhere else is looked. It stays loaded. kNotFound: it is not
// there. kFailedPrecondition: it is not a plug-in, or cannot be loaded. kUnimplemented: it goes
// with another version.
absl::StatusOr<convoy_broker> LoadAdapter(std::string_view name, std::string_view folder);

// The same for the store called `name`; kUnimplemented: it goes with another build. Valid for ever.
absl::StatusOr<const StorePlugin*> LoadStore(std::string_view name, std::string_view folder);

}  // namespace convoy::capi

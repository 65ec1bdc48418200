// The dashboard and the owners' portal of a gateway of the C interface.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "capi/config.h"
#include "convoy/gateway.h"

namespace convoy::capi {

// Whether this library was built with the pages. Without them ui.prefix can only be empty.
bool HasPages();

// A gateway that serves the pages where the settings ui.… want them, and passes all else on to
// `next`, which is borrowed and must outlive it. Null if they are not wanted.
absl::StatusOr<std::unique_ptr<Gateway>> NewPages(const convoy_config& config, Gateway* next);

}  // namespace convoy::capi

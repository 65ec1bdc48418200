// Adapter of a message broker as a table of functions: what a plug-in gives to libconvoy.so. The
// counterpart of capi/parts/c_broker.h, on the other side of the interface.
#pragma once

#include <memory>

#include "capi/convoy_parts.h"
#include "convoy/broker.h"

namespace convoy::capi {

// The table of `broker`, which is kept for ever: a plug-in stays loaded. `self` is `broker`.
convoy_broker ExportBroker(std::shared_ptr<Broker> broker);

}  // namespace convoy::capi

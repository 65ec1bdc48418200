// Parts that a configuration brings along, made ready for one gateway.
#pragma once

#include "capi/config.h"
#include "capi/gateway.h"

namespace convoy::capi {

// Reports why a part cannot be used: kUnimplemented is CONVOY_E_UNSUPPORTED.
convoy_status FailPart(convoy_error** error, const absl::Status& status);

// Adds clock, transport and brokers of `config`, the plug-ins among them, to `parts`, whose
// observer is set. `engine` is that of the gateway.
convoy_status AddHostParts(const convoy_config& config, const Engine& engine,
                           convoy::GatewayParts* parts, convoy_error** error);

}  // namespace convoy::capi

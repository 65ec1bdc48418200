// Parser of a broker's message whose body is an envelope.
//
//   {"endpoint_id", "owner_id", "event_type", "data", "custom_headers", "idempotency_key"}
//
// For one endpoint unless its attributes say otherwise; custom_headers come before attributes.
#pragma once

#include <optional>

#include "convoy/broker.h"
#include "convoy/options.h"
#include "lib/intake/broker_message.h"

namespace convoy::intake {

// Reads `message` into `out`, or says why that cannot be. Whether the endpoint exists is not looked
// at.
std::optional<Refusal> ReadEnvelope(const GatewayOptions& options, const Source& source,
                                    const BrokerMessage& message, AddressedEvent* out);

}  // namespace convoy::intake

// Reader of an outbox's row as an event. Its columns are the fields of an event as the REST API has
// them. With an endpoint_id it is for that endpoint, with an owner_id for all of that owner, with
// neither for every subscriber.
#pragma once

#include <optional>

#include "convoy/broker.h"
#include "convoy/options.h"
#include "lib/intake/broker_message.h"

namespace convoy::intake {

// Reads `message` into `out`, or says why that cannot be. Whether the endpoint exists is not looked
// at.
std::optional<Refusal> ReadOutboxRow(const GatewayOptions& options, const BrokerMessage& message,
                                     AddressedEvent* out);

}  // namespace convoy::intake

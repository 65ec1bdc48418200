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
#include "lib/intake/event_object.h"

namespace convoy::intake {

// Reads `message` into `out`, or says why that cannot be. Whether the endpoint exists is not looked
// at.
std::optional<Refusal> ReadEnvelope(const GatewayOptions& options, const Source& source,
                                    const BrokerMessage& message, AddressedEvent* out);

// Parts of it that other forms of an event share: a member that cannot be read, texts that may not
// be sent, and fields that are missing.
Refusal RefuseEventFlaw(const EventFlaw& flaw);
std::optional<Refusal> CheckEventTexts(const AddressedEvent& event);
std::optional<Refusal> CheckEventPresent(const AddressedEvent& event);

}  // namespace convoy::intake

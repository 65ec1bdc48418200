// A raw message of a broker read as an event: its body, whatever it is, is the event's data, byte
// for byte. The rest is where the source's locations are (locations.h). Without one, the event's
// type is the source's, and what else there is to say, attributes say:
//
//   x-convoy-message-type      broadcast (the default), single, fanout
//   x-convoy-endpoint-id       of single
//   x-convoy-owner-id          of fanout
//   x-convoy-idempotency-key
//   content-type               or, of AMQP, the property: x-amqp-content-type
#pragma once

#include <optional>

#include "convoy/broker.h"
#include "lib/intake/broker_message.h"

namespace convoy::intake {

// Reads `message` into `out`, or says why that cannot be. Whether the endpoint exists is not looked
// at, nor how large the body is.
std::optional<Refusal> ReadRawMessage(const Source& source, const BrokerMessage& message,
                                      AddressedEvent* out);

}  // namespace convoy::intake

// Wrappers that other services of Amazon's put around the messages of a queue: taken off here, so
// that what the sender sent is read like the message of any queue.
//
//   SNS           {"Type": "Notification", "Message": text, "MessageAttributes": {…}, …}
//   EventBridge   {"detail-type": text, "source": text, "detail": value, …}
//
// Other fields of a wrapper become attributes: x-sns-topic-arn, x-eventbridge-detail-type and
// so on. SNS's signature is not looked at: who may send to the queue is the queue's policy's
// business.
#pragma once

#include <optional>

#include "convoy/broker.h"
#include "lib/intake/broker_message.h"

namespace convoy::intake {

// Replaces body and attributes of `message` by those within, or says why they are not there; the
// message is then as it was. Its id, key and redelivery id stay those of the queue.
std::optional<Refusal> TakeOffWrapper(MessageWrapper wrapper, const json::Limits& limits,
                                      BrokerMessage* message);

}  // namespace convoy::intake

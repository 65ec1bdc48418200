// Maps Kafka messages to broker messages.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>

#include "convoy/broker.h"

namespace convoy::kafka {

// Everything but the tag. A message without a payload has an empty body. Headers keep their order
// and names. A value that cannot stand in header text is written as RFC 8941 writes bytes (section
// 3.3.5): ":AAEC/w==:".
BrokerMessage ReadMessage(const rd_kafka_message_t& message);

// Size of a message as counted against PollLimits.
size_t MessageBytes(const rd_kafka_message_t& message);

}  // namespace convoy::kafka

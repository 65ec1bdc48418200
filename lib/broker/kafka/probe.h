// Probe that finds out whether a topic can be read at all. librdkafka reports errors of single
// connections and carries on; what they mean for a source is asked of the brokers.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace convoy::kafka {

// Asks for the topic (any broker), for the group's offset (its coordinator) and for the end of a
// partition (one leader is enough). While nothing answers, `should_wait` is asked from time to
// time, with the time that was spent so far; once it says no, the answer is kDeadlineExceeded. The
// other errors are those of BrokerConsumer::Poll.
absl::Status Probe(rd_kafka_t* client, rd_kafka_topic_t* topic,
                   const std::function<bool(int spent_ms)>& should_wait);

// Whether the coordinator of the client's group answers within a short time.
bool IsCoordinatorThere(rd_kafka_t* client, rd_kafka_topic_t* topic);

}  // namespace convoy::kafka

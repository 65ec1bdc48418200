// The yardstick of reading from brokers: the client library alone, which takes the messages,
// acknowledges them as its users do, and does nothing else.
#pragma once

#include <string_view>

namespace benchmarks {

// Each reads `count` messages from where `pub_sub`, the REST API's object, says. Returns how many
// it read in a second, counted from the first message to the last.
double ReadWithLibrdkafka(std::string_view pub_sub, int count);
double ReadWithLibrabbitmq(std::string_view pub_sub, int count);

}  // namespace benchmarks

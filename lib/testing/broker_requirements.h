// The requirements of the broker suite, grouped by subject: one group in each check_broker_*.cc,
// and what they share.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/testing/broker_conformance.h"
#include "lib/testing/expectations.h"

namespace convoy::testing {

struct BrokerRequirement {
  std::string_view sentence;
  void (*check)(Expectations& expect, BrokerBench& bench);
  // False: this bench cannot show it. Null: every bench can.
  bool (*applies)(BrokerBench& bench) = nullptr;
};

std::span<const BrokerRequirement> BrokerMessageRequirements();
std::span<const BrokerRequirement> BrokerAcknowledgementRequirements();
std::span<const BrokerRequirement> BrokerFailureRequirements();

// Longer than anything takes on a healthy server.
inline constexpr absl::Duration kBenchPatience = absl::Seconds(60);

using Messages = std::vector<BrokerMessage>;

// A consumer of `source`; `number` tells those of one source apart.
absl::StatusOr<std::unique_ptr<BrokerConsumer>> OpenConsumer(BrokerBench& bench,
                                                             const Source& source, int number = 1);

// Polls until `count` messages have come, and for at most `patience`; what has come by then.
absl::StatusOr<Messages> PollFor(BrokerBench& bench, BrokerConsumer& consumer, size_t count,
                                 absl::Duration patience = kBenchPatience);

// Polls that must bring nothing: for as long as an unacknowledged message may stay away, but not
// longer than a test may take.
absl::StatusOr<Messages> PollForNothing(BrokerBench& bench, BrokerConsumer& consumer);

// Publishes `count` messages with the bodies "0", "1", … to `source`.
absl::Status PublishNumbers(BrokerBench& bench, const Source& source, int count);

std::vector<std::string> BodiesOf(std::span<const BrokerMessage> messages);
std::vector<std::string> SortedBodiesOf(std::span<const BrokerMessage> messages);
std::vector<std::string> Numbers(int begin, int end);  // sorted as texts

}  // namespace convoy::testing

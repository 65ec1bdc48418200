// The requirements of the transport suite, grouped by subject, and what they share.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/clock.h"
#include "convoy/testing/transport_conformance.h"
#include "lib/testing/expectations.h"
#include "lib/testing/http_peer.h"

namespace convoy::testing {

struct TransportRequirement {
  std::string_view sentence;
  void (*check)(Expectations& expect, Transport& transport);
};

std::span<const TransportRequirement> TransportRequestRequirements();
std::span<const TransportRequirement> TransportEndRequirements();

// Longer than anything takes that goes well.
inline constexpr absl::Duration kExchangePatience = absl::Seconds(10);

// The end of an exchange, if it has one yet.
struct Exchanged {
  int ends_count = 0;  // of its completion
  bool is_from_send = false;
  TransportResult result;  // of the last time
};

// Drives a transport as its contract says: waits for its descriptor, and only then steps.
class ExchangeDriver {
 public:
  explicit ExchangeDriver(Transport& transport) : transport_(transport) {}

  void Send(OutgoingRequest request);
  // Steps until every exchange has ended; false if one has not after `patience`.
  bool Run(absl::Duration patience = kExchangePatience);
  const Exchanged& at(size_t index) const { return *exchanges_[index]; }
  size_t ended_count() const;

 private:
  bool Await(absl::Duration patience) const;

  Transport& transport_;
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  // Shared with completions: a transport that is broken may call them when this is gone.
  const std::shared_ptr<bool> is_sending_ = std::make_shared<bool>(false);
  std::vector<std::shared_ptr<Exchanged>> exchanges_;
};

OutgoingRequest PostTo(std::string url, std::string body = "{}");

// One exchange, from the beginning to its end. If it does not end, that is a failure.
TransportResult ExchangeOne(Expectations& expect, Transport& transport, OutgoingRequest request);

}  // namespace convoy::testing

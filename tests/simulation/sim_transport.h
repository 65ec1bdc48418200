// The network and the endpoints behind it, in simulated time.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "convoy/transport.h"
#include "tests/simulation/faulty_process.h"
#include "tests/support/sim_clock.h"

namespace convoy::simulation {

class SimTransport : public Transport {
 public:
  // Called with each request that reaches an endpoint, and whether the endpoint answers it 2xx in
  // time.
  using OnArrival = std::function<void(const OutgoingRequest&, bool is_success)>;

  // All must outlive it.
  SimTransport(testing::SimClock* clock, testing::SeededRandom* random, const FaultRates& rates,
               OnArrival on_arrival)
      : clock_(*clock), random_(*random), rates_(rates), on_arrival_(std::move(on_arrival)) {}

  // The endpoint at `url` never answers with success.
  void set_refusing_url(std::string url) { refusing_url_ = std::move(url); }
  // Called when the gateway is about to learn that a request was answered 200.
  void set_on_told(std::function<void(const OutgoingRequest&)> on_told) {
    on_told_ = std::move(on_told);
  }

  std::string_view name() const override { return "simulated"; }
  void Send(OutgoingRequest request, SendCompletion done) override;
  void Step() override;
  int wake_fd() const override { return -1; }
  void Cancel() override;

  // When the next exchange ends, by the wall clock.
  absl::Time next_end() const {
    if (exchanges_.empty()) return absl::InfiniteFuture();
    return clock_.Now() + (exchanges_.begin()->first - clock_.SteadyNow());
  }
  // Requests that are on their way to this URL, of those that began at `since` or later.
  int64_t CountTo(std::string_view url, absl::Time since = absl::InfinitePast()) const {
    const absl::Time now = clock_.SteadyNow();
    return std::count_if(exchanges_.begin(), exchanges_.end(), [&](const auto& exchange) {
      const auto& [ends_at, each] = exchange;
      return ends_at > now && each.began_at >= since && each.request.url == url;
    });
  }

 private:
  struct Exchange {
    OutgoingRequest request;
    TransportResult result;
    SendCompletion done;
    absl::Time began_at;
  };

  testing::SimClock& clock_;
  testing::SeededRandom& random_;
  const FaultRates& rates_;
  const OnArrival on_arrival_;
  std::string refusing_url_;
  std::function<void(const OutgoingRequest&)> on_told_;
  std::multimap<absl::Time, Exchange> exchanges_;  // by when they end, on the steady clock
};

}  // namespace convoy::simulation

// Simulated transport: the result of an exchange is drawn when it begins and reported when its time
// has come.

#include "tests/simulation/sim_transport.h"

#include <utility>

namespace convoy::simulation {

void SimTransport::Send(OutgoingRequest request, SendCompletion done) {
  const absl::Time now = clock_.SteadyNow();
  TransportResult result;
  absl::Duration elapsed = absl::Milliseconds(1 + static_cast<int64_t>(random_.Below(200)));
  if (random_.Chance(rates_.connect_refused)) {
    result.outcome = TransportOutcome::kConnectFailed;
    result.error = "connection refused";
    result.may_have_arrived = false;
  } else if (random_.Chance(rates_.answer_never)) {
    on_arrival_(request, /*is_success=*/false);
    result.outcome = TransportOutcome::kTimedOut;
    result.error = "timed out";
    elapsed = request.timeout;
  } else {
    if (random_.Chance(rates_.answer_late)) elapsed = request.timeout * 0.9;
    const bool is_failure = request.url == refusing_url_ || random_.Chance(rates_.answer_failure);
    const bool is_cut_off = random_.Chance(rates_.answer_cut_off);
    on_arrival_(request, !is_failure);
    if (is_cut_off) {
      result.outcome = TransportOutcome::kProtocolError;
      result.error = "connection reset";
    } else {
      constexpr int kFailures[] = {302, 400, 404, 429, 500, 503};
      const bool is_gone = is_failure && random_.Chance(rates_.answer_gone);
      result.outcome = TransportOutcome::kResponse;
      result.http_status = is_failure ? kFailures[random_.Below(std::size(kFailures))] : 200;
      if (is_gone) result.http_status = 410;
      result.remote_ip = "192.0.2.1";
    }
  }
  result.elapsed = elapsed;
  exchanges_.emplace(now + elapsed,
                     Exchange{std::move(request), std::move(result), std::move(done), now});
}

void SimTransport::Step() {
  while (!exchanges_.empty() && exchanges_.begin()->first <= clock_.SteadyNow()) {
    auto ended = exchanges_.extract(exchanges_.begin());
    const TransportResult& result = ended.mapped().result;
    if (on_told_ && result.http_status == 200) on_told_(ended.mapped().request);
    ended.mapped().done(std::move(ended.mapped().result));
  }
}

void SimTransport::Cancel() {
  while (!exchanges_.empty()) {
    auto ended = exchanges_.extract(exchanges_.begin());
    ended.mapped().done({.outcome = TransportOutcome::kCancelled, .error = "cancelled"});
  }
}

}  // namespace convoy::simulation

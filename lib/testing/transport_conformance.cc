// Runs the requirements of transports one after the other, each on a transport of its own, and
// collects what failed.
#include "convoy/testing/transport_conformance.h"

#include <poll.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "lib/testing/transport_requirements.h"

namespace convoy::testing {

TransportFactory::~TransportFactory() = default;

OutgoingRequest PostTo(std::string url, std::string body) {
  OutgoingRequest request;
  request.url = std::move(url);
  request.body = std::make_shared<const std::string>(std::move(body));
  return request;
}

void ExchangeDriver::Send(OutgoingRequest request) {
  exchanges_.push_back(std::make_shared<Exchanged>());
  *is_sending_ = true;
  transport_.Send(std::move(request),
                  [exchange = exchanges_.back(), is_sending = is_sending_](TransportResult result) {
                    ++exchange->ends_count;
                    exchange->is_from_send |= *is_sending;
                    exchange->result = std::move(result);
                  });
  *is_sending_ = false;
}

size_t ExchangeDriver::ended_count() const {
  return static_cast<size_t>(std::count_if(exchanges_.begin(), exchanges_.end(),
                                           [](const auto& each) { return each->ends_count > 0; }));
}

bool ExchangeDriver::Await(absl::Duration patience) const {
  pollfd wake = {.fd = transport_.wake_fd(), .events = POLLIN};
  return poll(&wake, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) == 1;
}

bool ExchangeDriver::Run(absl::Duration patience) {
  const absl::Time deadline = clock_->SteadyNow() + patience;
  while (ended_count() < exchanges_.size()) {
    const absl::Duration left = deadline - clock_->SteadyNow();
    if (left <= absl::ZeroDuration() || !Await(left)) return false;
    transport_.Step();
  }
  return true;
}

TransportResult ExchangeOne(Expectations& expect, Transport& transport, OutgoingRequest request) {
  ExchangeDriver driver(transport);
  driver.Send(std::move(request));
  const bool has_ended_when_its_descriptor_said_so = driver.Run();
  if (!CONVOY_EXPECT(has_ended_when_its_descriptor_said_so)) transport.Cancel();
  CONVOY_EXPECT(driver.at(0).ends_count == 1);
  return driver.at(0).result;
}

ConformanceReport CheckTransport(TransportFactory& transports) {
  ConformanceReport report;
  for (const auto group : {TransportRequestRequirements(), TransportEndRequirements()}) {
    for (const TransportRequirement& requirement : group) {
      Expectations expect(requirement.sentence);
      absl::StatusOr<std::unique_ptr<Transport>> transport = transports.Open();
      const bool is_open =
          expect.ExpectOk(transport.status(), "the transport", __FILE_NAME__, __LINE__);
      if (is_open) requirement.check(expect, **transport);
      report.checked.emplace_back(requirement.sentence);
      std::vector<ConformanceFailure> failures = expect.TakeFailures();
      std::move(failures.begin(), failures.end(), std::back_inserter(report.failures));
    }
  }
  return report;
}

}  // namespace convoy::testing

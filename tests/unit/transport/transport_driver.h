// Drives a transport the way its contract says: waits for its descriptor, and only for that, then
// steps. A transport that forgets to wake its owner therefore fails the test.
#pragma once

#include <poll.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "convoy/transport.h"

namespace convoy::testing {

class TransportDriver {
 public:
  explicit TransportDriver(CurlTransportOptions options = {.allowed_networks = {"127.0.0.0/8"}})
      : transport_(NewCurlTransport(options).value()) {}
  TransportDriver(const TransportDriver&) = delete;
  TransportDriver& operator=(const TransportDriver&) = delete;

  static OutgoingRequest Post(std::string url, std::string body = "{}") {
    OutgoingRequest request;
    request.url = std::move(url);
    request.body = std::make_shared<const std::string>(std::move(body));
    return request;
  }

  // Starts a request. Its result is results()[n] of the n-th that ended.
  void Send(OutgoingRequest request) {
    ++sent_count_;
    transport_->Send(std::move(request),
                     [this](TransportResult result) { results_.push_back(std::move(result)); });
  }

  // Waits until the transport asks for it, then steps once.
  void Step() {
    constexpr int kPatienceMs = 30'000;
    pollfd wake = {.fd = transport_->wake_fd(), .events = POLLIN};
    if (poll(&wake, 1, kPatienceMs) != 1) FAIL("the transport did not ask to be stepped");
    transport_->Step();
  }

  // Steps until all requests have ended.
  void Run() {
    while (results_.size() < sent_count_) Step();
  }

  // The whole exchange; every earlier one must have ended.
  TransportResult Exchange(OutgoingRequest request) {
    Send(std::move(request));
    Run();
    return results_.back();
  }
  TransportResult Exchange(const std::string& url) { return Exchange(Post(url)); }

  Transport& transport() { return *transport_; }
  const std::vector<TransportResult>& results() const { return results_; }
  size_t sent_count() const { return sent_count_; }

 private:
  size_t sent_count_ = 0;
  std::vector<TransportResult> results_;
  std::unique_ptr<Transport> transport_;  // first to go: its completions write to the rest
};

}  // namespace convoy::testing

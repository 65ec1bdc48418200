// A transport in memory. A rule says what becomes of each exchange; those it says nothing about are
// on their way until there is another rule.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "convoy/transport.h"

namespace convoy::testing {

class ScriptedTransport : public Transport {
 public:
  // Result of an exchange; nullopt leaves it in flight.
  using Rule = std::function<std::optional<TransportResult>(const OutgoingRequest&)>;

  static TransportResult Status(int status, Headers headers = {}) {
    return {.outcome = TransportOutcome::kResponse,
            .http_status = status,
            .headers = std::move(headers)};
  }
  static Rule AlwaysStatus(int status) {
    return [status](const OutgoingRequest&) { return Status(status); };
  }
  static std::optional<TransportResult> Hang(const OutgoingRequest&) { return std::nullopt; }

  // Starts as AlwaysStatus(200).
  void set_rule(Rule rule) {
    rule_ = std::move(rule);
    for (Exchange& exchange : exchanges_) {
      if (!exchange.result.has_value()) exchange.result = rule_(exchange.request);
    }
  }

  // Every request that was ever sent.
  const std::vector<OutgoingRequest>& sent() const { return sent_; }
  size_t sent_count_to(std::string_view url) const {
    size_t count = 0;
    for (const OutgoingRequest& request : sent_) count += request.url == url ? 1 : 0;
    return count;
  }
  size_t in_flight_count() const { return exchanges_.size(); }
  // Whether a step would end an exchange.
  bool is_ready() const {
    return std::any_of(exchanges_.begin(), exchanges_.end(),
                       [](const Exchange& exchange) { return exchange.result.has_value(); });
  }
  size_t in_flight_count_to(std::string_view url) const {
    size_t count = 0;
    for (const Exchange& exchange : exchanges_) count += exchange.request.url == url ? 1 : 0;
    return count;
  }

  std::string_view name() const override { return "scripted"; }
  void Send(OutgoingRequest request, SendCompletion done) override {
    sent_.push_back(request);
    std::optional<TransportResult> result = rule_(request);
    exchanges_.push_back({std::move(request), std::move(done), std::move(result)});
  }
  void Step() override {
    for (Exchange& exchange : std::exchange(exchanges_, {})) {
      if (exchange.result.has_value()) {
        exchange.done(*std::move(exchange.result));
      } else {
        exchanges_.push_back(std::move(exchange));
      }
    }
  }
  int wake_fd() const override { return -1; }
  void Cancel() override {
    for (Exchange& exchange : std::exchange(exchanges_, {})) {
      exchange.done({.outcome = TransportOutcome::kCancelled, .error = "cancelled"});
    }
  }

 private:
  struct Exchange {
    OutgoingRequest request;
    SendCompletion done;
    std::optional<TransportResult> result;
  };

  Rule rule_ = AlwaysStatus(200);
  std::vector<OutgoingRequest> sent_;
  std::deque<Exchange> exchanges_;
};

}  // namespace convoy::testing

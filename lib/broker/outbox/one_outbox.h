// Broker of one outbox, whose consumers are opened with its options.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "convoy/broker.h"

namespace convoy::broker::outbox {

template <typename Consumer, typename Options>
class OneOutbox final : public Broker {
 public:
  explicit OneOutbox(Options options) : options_(std::move(options)) {}

  std::string_view type() const override { return "outbox"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source&, std::string_view,
                                                       const BrokerEnvironment& env) override {
    return Consumer::Open(options_, env);
  }

 private:
  const Options options_;
};

}  // namespace convoy::broker::outbox

// Message broker of the host: an adapter behind a table of functions.
#pragma once

#include <memory>
#include <utility>

#include "capi/parts/part.h"
#include "convoy/broker.h"

namespace convoy::capi {

using BrokerPart = Part<convoy_broker>;

class CBroker final : public Broker {
 public:
  CBroker(std::shared_ptr<const BrokerPart> part, const Engine* engine, ReportDefect report)
      : part_(std::move(part)), engine_(engine), report_(std::move(report)) {}

  std::string_view type() const override { return (*part_)->type; }
  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source,
                                                       std::string_view consumer_id,
                                                       const BrokerEnvironment& env) override;
  absl::Status Check(const Source& source, const BrokerEnvironment& env) override;

 private:
  void CloseRefused(const convoy_consumer* opened) const;

  const std::shared_ptr<const BrokerPart> part_;
  const Engine* const engine_;
  const ReportDefect report_;
};

}  // namespace convoy::capi

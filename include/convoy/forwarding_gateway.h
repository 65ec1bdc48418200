// A gateway that passes every call on to another one: the base of gateways that serve some paths
// themselves.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "convoy/gateway.h"

namespace convoy {

class ForwardingGateway : public Gateway {
 public:
  // `next` is borrowed and must outlive this.
  explicit ForwardingGateway(Gateway* next) : next_(next) {}

  absl::StatusOr<std::string> Bootstrap() override { return next_->Bootstrap(); }
  HeadDecision InspectHead(const HttpRequest& head) override { return next_->InspectHead(head); }
  HttpResponse RefuseTooLarge(const HttpRequest& head) override {
    return next_->RefuseTooLarge(head);
  }
  std::optional<HttpResponse> Handle(const HttpRequest& request) override {
    return next_->Handle(request);
  }
  bool HandleAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) override {
    return next_->HandleAsync(request, std::move(done));
  }
  bool RefuseOverloadedAsync(const HttpRequest& head,
                             std::function<void(HttpResponse)> done) override {
    return next_->RefuseOverloadedAsync(head, std::move(done));
  }
  std::optional<HttpResponse> Call(const HttpRequest& request) override {
    return next_->Call(request);
  }
  bool CallAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) override {
    return next_->CallAsync(request, std::move(done));
  }
  absl::StatusOr<Receipt> Ingest(HostEvent event) override {
    return next_->Ingest(std::move(event));
  }
  void IngestAsync(HostEvent event, std::function<void(absl::StatusOr<Receipt>)> done) override {
    next_->IngestAsync(std::move(event), std::move(done));
  }
  absl::StatusOr<std::vector<LocalDelivery>> TakeLocal(std::string_view name, size_t items_max,
                                                       absl::Duration patience) override {
    return next_->TakeLocal(name, items_max, patience);
  }
  absl::Status FinishLocal(uint64_t ticket, LocalOutcome outcome) override {
    return next_->FinishLocal(ticket, std::move(outcome));
  }
  std::optional<HostOutcome> NextOutcome() override { return next_->NextOutcome(); }
  uint64_t dropped_outcomes_count() const override { return next_->dropped_outcomes_count(); }
  size_t Poll(size_t completions_max) override { return next_->Poll(completions_max); }
  absl::StatusOr<absl::Time> Step() override { return next_->Step(); }
  int wake_fd() const override { return next_->wake_fd(); }
  absl::Status Start() override { return next_->Start(); }
  absl::Status Close(absl::Duration patience) override { return next_->Close(patience); }

 protected:
  Gateway& next() { return *next_; }

 private:
  Gateway* const next_;
};

}  // namespace convoy

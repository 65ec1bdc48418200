// Entry points for outcomes: what became of deliveries, and news of endpoints and sources.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include "capi/gateway.h"
#include "convoy/host_outcome.h"

using convoy::HostOutcome;
using convoy::capi::CheckGateway;
using convoy::capi::CheckStruct;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::Slice;

struct convoy_outcome {
  HostOutcome outcome;
};

namespace {

using Kind = HostOutcome::Kind;

static_assert(static_cast<uint32_t>(Kind::kDelivery) == CONVOY_OUTCOME_DELIVERY);
static_assert(static_cast<uint32_t>(Kind::kEndpointFailing) == CONVOY_OUTCOME_ENDPOINT_FAILING);
static_assert(static_cast<uint32_t>(Kind::kEndpointRecovered) == CONVOY_OUTCOME_ENDPOINT_RECOVERED);
static_assert(static_cast<uint32_t>(Kind::kEndpointDisabled) == CONVOY_OUTCOME_ENDPOINT_DISABLED);
static_assert(static_cast<uint32_t>(Kind::kBreakerOpened) == CONVOY_OUTCOME_BREAKER_OPENED);
static_assert(static_cast<uint32_t>(Kind::kBreakerClosed) == CONVOY_OUTCOME_BREAKER_CLOSED);
static_assert(static_cast<uint32_t>(Kind::kSourceRefuses) == CONVOY_OUTCOME_SOURCE_REFUSES);

convoy_outcome_view ViewOf(const HostOutcome& outcome) {
  return {.struct_size = sizeof(convoy_outcome_view),
          .kind = static_cast<uint32_t>(outcome.kind),
          .is_success = outcome.is_success,
          .will_retry = outcome.will_retry,
          .attempt_number = outcome.attempt_number,
          .at_us = absl::ToUnixMicros(outcome.at),
          .retry_at_us = outcome.will_retry ? absl::ToUnixMicros(outcome.retry_at)
                                            : std::numeric_limits<int64_t>::max(),
          .count = outcome.count,
          .project_id = Slice(outcome.project_id),
          .endpoint_id = Slice(outcome.endpoint_id),
          .source_id = Slice(outcome.source_id),
          .delivery_id = Slice(outcome.delivery_id),
          .event_id = Slice(outcome.event_id),
          .event_type = Slice(outcome.event_type),
          .outcome = Slice(outcome.outcome),
          .detail = Slice(outcome.detail)};
}

}  // namespace

convoy_status convoy_gateway_next_outcome(const convoy_gateway* gateway, convoy_outcome** out,
                                          uint64_t* out_dropped, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_dropped != nullptr) *out_dropped = 0;
    if (out != nullptr) *out = nullptr;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    convoy::Gateway& opened = *gateway->engine->gateway;
    if (out_dropped != nullptr) *out_dropped = opened.dropped_outcomes_count();
    if (out == nullptr) return CONVOY_OK;
    // Reserved before one is taken out of the queue.
    auto handle = std::make_unique<convoy_outcome>();
    std::optional<HostOutcome> next = opened.NextOutcome();
    if (!next.has_value()) return CONVOY_OK;
    handle->outcome = *std::move(next);
    *out = handle.release();
    return CONVOY_OK;
  });
}

convoy_status convoy_outcome_get(const convoy_outcome* outcome, convoy_outcome_view* out,
                                 convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (outcome == nullptr) return FailNull(error, "outcome");
    if (out == nullptr) return FailNull(error, "out");
    if (const convoy_status checked = CheckStruct(out, "out", sizeof(*out), error)) return checked;
    convoy_outcome_view view = ViewOf(outcome->outcome);
    view.struct_size = out->struct_size;
    std::memcpy(out, &view, std::min(view.struct_size, sizeof view));
    return CONVOY_OK;
  });
}

void convoy_outcome_free(convoy_outcome* outcome) { delete outcome; }

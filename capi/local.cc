// Entry points for deliveries to the host itself.
#include "convoy/local.h"

#include <memory>
#include <vector>

#include "capi/gateway.h"

using convoy::LocalDelivery;
using convoy::LocalOutcome;
using convoy::capi::CheckGateway;
using convoy::capi::CheckProcess;
using convoy::capi::CheckStruct;
using convoy::capi::Engine;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::Slice;
using convoy::capi::View;

// Refers to its gateway weakly, so either may be freed first.
struct convoy_delivery {
  std::weak_ptr<Engine> engine;
  LocalDelivery local;
  bool is_finished = false;
};

namespace {

constexpr uint64_t kDayMs = 24 * 3600 * 1000;

static_assert(static_cast<uint32_t>(LocalOutcome::Kind::kDone) == CONVOY_LOCAL_DONE);
static_assert(static_cast<uint32_t>(LocalOutcome::Kind::kRetry) == CONVOY_LOCAL_RETRY);
static_assert(static_cast<uint32_t>(LocalOutcome::Kind::kFail) == CONVOY_LOCAL_FAIL);

absl::Duration Milliseconds(uint64_t count) { return absl::Milliseconds(std::min(count, kDayMs)); }

convoy_delivery_view ViewOf(const LocalDelivery& local) {
  return {.struct_size = sizeof(convoy_delivery_view),
          .event_id = Slice(local.event->id),
          .event_type = Slice(local.event->event_type),
          .body = Slice(local.event->body),
          .content_type = Slice(local.event->content_type),
          .idempotency_key = Slice(local.idempotency_key),
          .project_id = Slice(local.project_id),
          .endpoint_id = Slice(local.endpoint_id),
          .delivery_id = Slice(local.delivery_id),
          .headers_count = local.headers.size(),
          .deadline_us = absl::ToUnixMicros(local.deadline),
          .attempt_number = local.attempt_number,
          .reserved = 0};
}

}  // namespace

convoy_status convoy_local_take(const convoy_gateway* gateway, const char* name, size_t name_size,
                                size_t max, uint64_t wait_ms, convoy_delivery** out,
                                size_t* out_count, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_count == nullptr) return FailNull(error, "out_count");
    *out_count = 0;
    if (out == nullptr && max > 0) return FailNull(error, "out");
    if (!IsReadable(name, name_size)) return FailNull(error, "name");
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    auto taken =
        gateway->engine->gateway->TakeLocal(View(name, name_size), max, Milliseconds(wait_ms));
    if (!taken.ok()) return Fail(error, taken.status());
    // If there is no memory for all handles, none is given: what was taken ends with its deadline.
    std::vector<std::unique_ptr<convoy_delivery>> handles;
    handles.reserve(taken->size());
    for (LocalDelivery& local : *taken) {
      handles.push_back(std::make_unique<convoy_delivery>(
          convoy_delivery{.engine = gateway->engine, .local = std::move(local)}));
    }
    for (auto& handle : handles) out[(*out_count)++] = handle.release();
    return CONVOY_OK;
  });
}

convoy_status convoy_delivery_get(const convoy_delivery* delivery, convoy_delivery_view* out,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (delivery == nullptr) return FailNull(error, "delivery");
    if (out == nullptr) return FailNull(error, "out");
    if (const convoy_status checked = CheckStruct(out, "out", sizeof(*out), error)) return checked;
    convoy_delivery_view view = ViewOf(delivery->local);
    view.struct_size = out->struct_size;
    std::memcpy(out, &view, std::min(view.struct_size, sizeof view));
    return CONVOY_OK;
  });
}

int32_t convoy_delivery_header(const convoy_delivery* delivery, size_t index, convoy_header* out) {
  if (out == nullptr) return 0;
  *out = {};
  if (delivery == nullptr || index >= delivery->local.headers.size()) return 0;
  const convoy::Header& header = delivery->local.headers[index];
  *out = {Slice(header.name), Slice(header.value)};
  return 1;
}

convoy_status convoy_local_finish(convoy_delivery* delivery, uint32_t outcome,
                                  uint64_t retry_after_ms, const char* detail, size_t detail_size,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (delivery == nullptr) return FailNull(error, "delivery");
    if (outcome > CONVOY_LOCAL_FAIL) {
      return Fail(error, CONVOY_E_INVALID, "outcome: must be one of CONVOY_LOCAL_…");
    }
    if (!IsReadable(detail, detail_size)) return FailNull(error, "detail");
    const std::shared_ptr<Engine> engine = delivery->engine.lock();
    if (engine == nullptr) {
      return Fail(error, CONVOY_E_STATE, "the gateway has been freed; the delivery comes again");
    }
    if (const convoy_status checked = CheckProcess(*engine, error)) return checked;
    const absl::Status finished = engine->gateway->FinishLocal(
        delivery->local.ticket, {.kind = static_cast<LocalOutcome::Kind>(outcome),
                                 .retry_after = Milliseconds(retry_after_ms),
                                 .detail = std::string(View(detail, detail_size))});
    delivery->is_finished = true;
    return finished.ok() ? CONVOY_OK : Fail(error, finished);
  });
}

void convoy_delivery_free(convoy_delivery* delivery) {
  if (delivery == nullptr) return;
  if (!delivery->is_finished) {
    constexpr std::string_view kDetail = "the host let go of it without finishing it";
    convoy_local_finish(delivery, CONVOY_LOCAL_RETRY, 0, kDetail.data(), kDetail.size(), nullptr);
  }
  delete delivery;
}

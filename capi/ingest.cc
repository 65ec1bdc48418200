// Entry points for events that the host itself submits.
#include "absl/strings/str_cat.h"

#include "capi/gateway.h"

using convoy::HostEvent;
using convoy::Receipt;
using convoy::capi::CallOut;
using convoy::capi::CheckGateway;
using convoy::capi::CheckStruct;
using convoy::capi::CopyStruct;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::FillBuf;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::ReserveBuf;
using convoy::capi::View;

namespace {

constexpr size_t kEventIdBytesMax = 64;

// Checks that `given` can be read and that its audience exists.
convoy_status CheckEvent(const convoy_event* given, convoy_error** error) {
  const convoy_status checked = CheckStruct(given, "event", sizeof(convoy_event), error);
  if (checked != CONVOY_OK) return checked;
  const convoy_event event = CopyStruct(*given);
  const std::pair<const char*, convoy_slice> texts[] = {
      {"event.project_id", event.project_id},
      {"event.recipient", event.recipient},
      {"event.event_type", event.event_type},
      {"event.data", event.data},
      {"event.idempotency_key", event.idempotency_key}};
  for (const auto& [name, text] : texts) {
    if (!IsReadable(text.data, text.size)) return FailNull(error, name);
  }
  if (event.audience > CONVOY_TO_EVERYONE) {
    return Fail(error, CONVOY_E_INVALID, "event.audience: must be one of CONVOY_TO_…");
  }
  if (event.reserved != 0) return Fail(error, CONVOY_E_INVALID, "event.reserved: must be 0");
  if (!IsReadable(event.custom_headers, event.custom_headers_count)) {
    return FailNull(error, "event.custom_headers");
  }
  for (size_t i = 0; i < event.custom_headers_count; ++i) {
    const convoy_header& header = event.custom_headers[i];
    if (!IsReadable(header.name.data, header.name.size) ||
        !IsReadable(header.value.data, header.value.size)) {
      return FailNull(error, absl::StrCat("event.custom_headers[", i, "]"));
    }
  }
  return CONVOY_OK;
}

// A copy of an event that passed CheckEvent.
HostEvent CopyEvent(const convoy_event& given) {
  const convoy_event event = CopyStruct(given);
  HostEvent copy{.project_id = std::string(View(event.project_id)),
                 .audience = static_cast<HostEvent::Audience>(event.audience),
                 .recipient = std::string(View(event.recipient)),
                 .event_type = std::string(View(event.event_type)),
                 .data = std::string(View(event.data)),
                 .idempotency_key = std::string(View(event.idempotency_key))};
  for (size_t i = 0; i < event.custom_headers_count; ++i) {
    copy.custom_headers.push_back({std::string(View(event.custom_headers[i].name)),
                                   std::string(View(event.custom_headers[i].value))});
  }
  return copy;
}

}  // namespace

convoy_status convoy_ingest(const convoy_gateway* gateway, const convoy_event* event,
                            convoy_buf* out_event_id, int32_t* out_is_duplicate,
                            convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_event_id == nullptr) return FailNull(error, "out_event_id");
    *out_event_id = {};
    if (out_is_duplicate != nullptr) *out_is_duplicate = 0;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckEvent(event, error)) return checked;
    // Reserved before anything is written: an accepted event must be reported.
    convoy_buf id = {};
    if (!ReserveBuf(kEventIdBytesMax, &id)) throw std::bad_alloc();
    const absl::StatusOr<Receipt> receipt = gateway->engine->gateway->Ingest(CopyEvent(*event));
    if (!receipt.ok()) {
      convoy_buf_free(&id);
      return Fail(error, receipt.status());
    }
    FillBuf(receipt->event_id, &id);
    *out_event_id = id;
    if (out_is_duplicate != nullptr) *out_is_duplicate = receipt->is_duplicate;
    return CONVOY_OK;
  });
}

convoy_status convoy_ingest_async(const convoy_gateway* gateway, const convoy_event* event,
                                  convoy_receipt_fn done, void* user, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (done == nullptr) return FailNull(error, "done");
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    if (const convoy_status checked = CheckEvent(event, error)) return checked;
    gateway->engine->gateway->IngestAsync(
        CopyEvent(*event), [engine = gateway->engine.get(), log = gateway->engine->log, done,
                            user](const absl::StatusOr<Receipt>& receipt) {
          convoy_error* failure = nullptr;
          if (!receipt.ok()) Fail(&failure, receipt.status());
          const char* const id = receipt.ok() ? receipt->event_id.c_str() : nullptr;
          const int32_t is_duplicate = receipt.ok() && receipt->is_duplicate;
          CallOut(engine, log.get(), [&] { done(user, id, is_duplicate, failure); });
        });
    return CONVOY_OK;
  });
}

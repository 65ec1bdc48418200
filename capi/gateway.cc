// Entry points that open, drive and close a gateway.
#include "capi/gateway.h"

#include <limits>
#include <utility>

#include "capi/config.h"
#include "capi/host_parts.h"
#include "capi/outbox.h"
#include "capi/pages.h"
#include "capi/store.h"

using convoy::capi::AddHostParts;
using convoy::capi::CallbackScope;
using convoy::capi::CheckGateway;
using convoy::capi::CheckProcess;
using convoy::capi::Engine;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::FailPart;
using convoy::capi::FillBuf;
using convoy::capi::Guard;
using convoy::capi::LogObserver;
using convoy::capi::LogQueue;
using convoy::capi::ReserveBuf;

namespace {

int64_t ToMicros(absl::Time time) {
  return time == absl::InfiniteFuture() ? std::numeric_limits<int64_t>::max()
                                        : absl::ToUnixMicros(time);
}

// Entry point that only passes a status on.
template <typename Call>
convoy_status Forward(convoy_gateway* gateway, convoy_error** error, Call call) {
  return Guard(error, [&]() -> convoy_status {
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    const absl::Status status = call(*gateway->engine->gateway);
    return status.ok() ? CONVOY_OK : Fail(error, status);
  });
}

}  // namespace

convoy_status convoy_gateway_open(const convoy_config* config, convoy_gateway** out,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    const convoy_config defaults;
    if (config == nullptr) config = &defaults;
    auto engine = std::make_shared<Engine>();
    engine->log = config->log;
    engine->buffered_bytes_max = config->buffered_bytes_max;
    convoy::GatewayParts parts;
    if (config->log_lines_max > 0) {
      engine->log_lines =
          std::make_shared<LogQueue>(config->log_level_least, config->log_lines_max);
    }
    if (config->log != nullptr || engine->log_lines != nullptr) {
      parts.observer = std::make_shared<LogObserver>(engine.get(), config->log, engine->log_lines);
    }
    if (const absl::Status kept = convoy::capi::CheckOutboxesKept(*config); !kept.ok()) {
      return Fail(error, kept);
    }
    if (const convoy_status added = AddHostParts(*config, *engine, &parts, error)) return added;
    auto storage = convoy::capi::OpenStore(*config, *engine, parts.observer);
    if (!storage.ok()) return FailPart(error, storage.status());
    parts.storage = *std::move(storage);
    auto outboxes = convoy::capi::NewOutboxes(*config);
    if (!outboxes.ok()) return FailPart(error, outboxes.status());
    if (*outboxes != nullptr) parts.brokers.push_back(*std::move(outboxes));
    auto opened = convoy::Gateway::Open(config->options, std::move(parts));
    if (!opened.ok()) return Fail(error, opened.status());
    auto pages = convoy::capi::NewPages(*config, opened->get());
    if (!pages.ok()) return Fail(error, pages.status());
    engine->gateway = *std::move(opened);
    if (*pages != nullptr) {
      engine->plain = std::exchange(engine->gateway, *std::move(pages));
    }
    *out = new convoy_gateway{std::move(engine)};
    return CONVOY_OK;
  });
}

convoy_status convoy_gateway_bootstrap(convoy_gateway* gateway, convoy_buf* out_key,
                                       convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_key == nullptr) return FailNull(error, "out_key");
    *out_key = {};
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    // Reserved before anything is written: the key is shown only once.
    constexpr size_t kKeyBytesMax = 256;
    convoy_buf text = {};
    if (!ReserveBuf(kKeyBytesMax, &text)) throw std::bad_alloc();
    const auto key = gateway->engine->gateway->Bootstrap();
    if (!key.ok()) {
      convoy_buf_free(&text);
      return Fail(error, key.status());
    }
    FillBuf(std::string_view(*key).substr(0, kKeyBytesMax), &text);
    *out_key = text;
    return CONVOY_OK;
  });
}

convoy_status convoy_gateway_start(convoy_gateway* gateway, convoy_error** error) {
  return Forward(gateway, error, [](convoy::Gateway& g) { return g.Start(); });
}

convoy_status convoy_gateway_step(convoy_gateway* gateway, int64_t* out_next_us,
                                  convoy_error** error) {
  if (out_next_us != nullptr) *out_next_us = 0;
  return Forward(gateway, error, [out_next_us](convoy::Gateway& g) {
    const absl::StatusOr<absl::Time> next = g.Step();
    if (next.ok() && out_next_us != nullptr) *out_next_us = ToMicros(*next);
    return next.status();
  });
}

convoy_status convoy_gateway_poll(const convoy_gateway* gateway, size_t max, size_t* out_count,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_count != nullptr) *out_count = 0;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    const size_t count = gateway->engine->gateway->Poll(max);
    if (out_count != nullptr) *out_count = count;
    return CONVOY_OK;
  });
}

convoy_status convoy_gateway_next_log(const convoy_gateway* gateway, uint32_t* out_level,
                                      convoy_buf* out_event, convoy_buf* out_message,
                                      uint64_t* out_dropped, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_level != nullptr) *out_level = 0;
    if (out_event != nullptr) *out_event = {};
    if (out_dropped != nullptr) *out_dropped = 0;
    if (out_message == nullptr) return FailNull(error, "out_message");
    *out_message = {};
    if (gateway == nullptr) return FailNull(error, "gateway");
    const convoy_status checked = CheckProcess(*gateway->engine, error);  // callbacks may ask
    if (checked != CONVOY_OK) return checked;
    LogQueue* const lines = gateway->engine->log_lines.get();
    if (lines == nullptr) return CONVOY_OK;
    if (out_dropped != nullptr) *out_dropped = lines->dropped_count();
    const std::optional<convoy::capi::LogLine> line = lines->Pop();
    if (!line.has_value()) return CONVOY_OK;
    // A line for which there is no memory is lost, as it is to a callback.
    convoy_buf event = {}, message = {};
    if (!ReserveBuf(line->event.size(), &event)) throw std::bad_alloc();
    if (!ReserveBuf(line->message.size(), &message)) {
      convoy_buf_free(&event);
      throw std::bad_alloc();
    }
    FillBuf(line->event, &event);
    FillBuf(line->message, &message);
    if (out_level != nullptr) *out_level = line->level;
    if (out_event != nullptr) {
      *out_event = event;
    } else {
      convoy_buf_free(&event);
    }
    *out_message = message;
    return CONVOY_OK;
  });
}

convoy_status convoy_gateway_wake_fd(const convoy_gateway* gateway, int32_t* out_fd,
                                     convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_fd == nullptr) return FailNull(error, "out_fd");
    *out_fd = -1;
    if (gateway == nullptr) return FailNull(error, "gateway");
    const convoy_status checked = CheckProcess(*gateway->engine, error);  // callbacks may ask
    if (checked != CONVOY_OK) return checked;
    *out_fd = gateway->engine->gateway->wake_fd();
    return CONVOY_OK;
  });
}

convoy_status convoy_gateway_close(convoy_gateway* gateway, uint64_t patience_ms,
                                   convoy_error** error) {
  return Forward(gateway, error, [patience_ms](convoy::Gateway& g) {
    constexpr uint64_t kDayMs = 24 * 3600 * 1000;
    return g.Close(absl::Milliseconds(std::min(patience_ms, kDayMs)));
  });
}

void convoy_gateway_free(convoy_gateway* gateway) {
  if (gateway == nullptr) return;
  // Closing waits for callbacks: from its own callback it would wait for itself.
  if (CallbackScope::IsInside(gateway->engine.get())) return;
  // In a child of fork the threads do not exist and the store belongs to the parent: nothing may be
  // touched.
  if (gateway->engine->opener != getpid()) {
    static_cast<void>(gateway->engine->gateway.release());
    static_cast<void>(gateway->engine->plain.release());
  } else {
    // Called while the handle is whole: callbacks may still use it.
    convoy::Gateway& opened = *gateway->engine->gateway;
    opened.Close(absl::ZeroDuration()).IgnoreError();
    while (opened.Poll(SIZE_MAX) > 0) continue;
  }
  delete gateway;
}

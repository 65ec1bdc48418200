// Opening, driving and closing.
#include "capi/gateway.h"

#include <limits>

#include "capi/config.h"

using convoy::capi::CheckGateway;
using convoy::capi::Fail;
using convoy::capi::Guard;

namespace {

// A copy for the caller, from malloc because C frees it.
bool CopyTo(std::string_view text, convoy_buf* out) {
  out->data = static_cast<char*>(std::malloc(text.size() + 1));
  if (out->data == nullptr) return false;
  std::memcpy(out->data, text.data(), text.size());
  out->data[text.size()] = '\0';
  out->size = text.size();
  return true;
}

int64_t ToMicros(absl::Time time) {
  return time == absl::InfiniteFuture() ? std::numeric_limits<int64_t>::max()
                                        : absl::ToUnixMicros(time);
}

// An entry point that only passes a status on.
template <typename Call>
convoy_status Forward(convoy_gateway* gateway, convoy_error** error, Call call) {
  return Guard(error, [&]() -> convoy_status {
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    const absl::Status status = call(*gateway->gateway);
    return status.ok() ? CONVOY_OK : Fail(error, status);
  });
}

}  // namespace

convoy_status convoy_gateway_open(const convoy_config* config, convoy_gateway** out,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return Fail(error, CONVOY_E_INVALID, "out: must not be NULL");
    *out = nullptr;
    const convoy_config defaults;
    if (config == nullptr) config = &defaults;
    convoy::GatewayParts parts;
    if (config->storage_path.empty()) {
      parts.storage = convoy::NewMemoryStorage();
    } else {
      auto storage = convoy::OpenSqliteStorage(config->storage_path);
      if (!storage.ok()) return Fail(error, storage.status());
      parts.storage = *std::move(storage);
    }
    auto opened = convoy::Gateway::Open(config->options, std::move(parts));
    if (!opened.ok()) return Fail(error, opened.status());
    *out = new convoy_gateway{*std::move(opened), getpid()};
    return CONVOY_OK;
  });
}

convoy_status convoy_gateway_bootstrap(convoy_gateway* gateway, convoy_buf* out_key,
                                       convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_key == nullptr) return Fail(error, CONVOY_E_INVALID, "out_key: must not be NULL");
    *out_key = {};
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    const auto key = gateway->gateway->Bootstrap();
    if (!key.ok()) return Fail(error, key.status());
    if (!CopyTo(*key, out_key)) return Fail(error, CONVOY_E_NO_MEMORY, "out of memory");
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

convoy_status convoy_gateway_wake_fd(const convoy_gateway* gateway, int32_t* out_fd,
                                     convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_fd == nullptr) return Fail(error, CONVOY_E_INVALID, "out_fd: must not be NULL");
    *out_fd = -1;
    if (const convoy_status checked = CheckGateway(gateway, error)) return checked;
    *out_fd = gateway->gateway->wake_fd();
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
  // In a child of fork the threads do not exist and the store is the parent's: nothing may be
  // touched.
  if (gateway->opener != getpid()) static_cast<void>(gateway->gateway.release());
  delete gateway;
}

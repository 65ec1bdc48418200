// Gateway handle, and the check with which every entry point begins.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "capi/callback.h"
#include "capi/log.h"
#include "capi/shim.h"
#include "convoy/gateway.h"

namespace convoy::capi {

// Object behind the handle. Other handles refer to it weakly, so they may outlive it.
struct Engine {
  // With pages, `gateway` serves them and passes all else on to `plain`; without, it is alone.
  std::unique_ptr<convoy::Gateway> plain;
  std::unique_ptr<convoy::Gateway> gateway;
  std::shared_ptr<const LogCallback> log;  // null: silence
  std::shared_ptr<LogQueue> log_lines;     // null: none are kept
  uint64_t buffered_bytes_max = 0;
  // Of requests whose body is still coming or that are being answered. Outlives the engine with
  // them.
  const std::shared_ptr<std::atomic<uint64_t>> buffered_bytes =
      std::make_shared<std::atomic<uint64_t>>(0);
  const pid_t opener = getpid();
};

}  // namespace convoy::capi

struct convoy_gateway {
  std::shared_ptr<convoy::capi::Engine> engine;
};

namespace convoy::capi {

// Calls the host's code. An exception that it throws is caught and logged: no caller could take it.
template <typename Call>
void CallOut(const Engine* engine, const LogCallback* log, Call call) noexcept {
  try {
    const CallbackScope scope(engine);
    call();
  } catch (...) {
    if (log == nullptr) return;
    log->Write(engine, LogLevel::kError, "a callback threw an exception", {});
  }
}

// CONVOY_OK if the engine belongs to this process.
inline convoy_status CheckProcess(const Engine& engine, convoy_error** error) {
  if (engine.opener == getpid()) return CONVOY_OK;
  return Fail(error, CONVOY_E_FORKED,
              "the gateway belongs to the parent process; open one after fork");
}

// CONVOY_OK if a call may enter the engine: in this process, and not from its own callback.
inline convoy_status CheckEngine(const Engine& engine, convoy_error** error) {
  if (const convoy_status checked = CheckProcess(engine, error)) return checked;
  if (!CallbackScope::IsInside(&engine)) return CONVOY_OK;
  return Fail(error, CONVOY_E_REENTRANT,
              "a callback of the gateway must not call it: do so after the callback has returned");
}

inline convoy_status CheckGateway(const convoy_gateway* gateway, convoy_error** error) {
  if (gateway == nullptr) return FailNull(error, "gateway");
  return CheckEngine(*gateway->engine, error);
}

}  // namespace convoy::capi

// Observer that passes the library's log lines to a callback of the host.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "capi/convoy.h"
#include "convoy/observer.h"

namespace convoy::capi {

struct Engine;

// User pointer that a host registers along with a callback; given back exactly once.
class UserData {
 public:
  UserData(void* user, void (*user_free)(void*)) : user_(user), free_(user_free) {}
  UserData(UserData&& other) noexcept
      : user_(other.user_), free_(std::exchange(other.free_, nullptr)) {}
  UserData& operator=(UserData&&) = delete;
  ~UserData() {
    if (free_ != nullptr) free_(user_);
  }

  void* get() const { return user_; }

 private:
  void* const user_;
  void (*free_)(void*);
};

// A log callback, shared by a convoy_config and the gateways opened from it.
class LogCallback {
 public:
  LogCallback(uint32_t level_least, convoy_log_fn write, UserData user)
      : level_least_(level_least), write_(write), user_(std::move(user)) {}

  // Calls the host. `engine` identifies the gateway whose callback it is. Never throws.
  void Write(const Engine* engine, LogLevel level, std::string_view event,
             std::span<const LogField> fields) const noexcept;

 private:
  const uint32_t level_least_;
  const convoy_log_fn write_;
  const UserData user_;
};

// Passes the lines of `engine` on to `log`.
class LogObserver final : public Observer {
 public:
  LogObserver(const Engine* engine, std::shared_ptr<const LogCallback> log)
      : engine_(engine), log_(std::move(log)) {}

  void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) override {
    log_->Write(engine_, level, event, fields);
  }

 private:
  const Engine* const engine_;
  const std::shared_ptr<const LogCallback> log_;
};

}  // namespace convoy::capi

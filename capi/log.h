// Observer that passes the library's log lines to a callback of the host.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

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

// A line: `event` says what happened in words that do not change, `message` with the details.
struct LogLine {
  uint32_t level = 0;
  std::string event;
  std::string message;
};

LogLine FormatLine(LogLevel level, std::string_view event, std::span<const LogField> fields);

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

// Lines that wait for a host which wants them on its own thread. Safe to use from any thread.
class LogQueue {
 public:
  // Beyond `lines_max` what comes is dropped and counted.
  LogQueue(uint32_t level_least, size_t lines_max)
      : level_least_(level_least), lines_max_(lines_max) {}

  // Never throws.
  void Push(LogLevel level, std::string_view event, std::span<const LogField> fields) noexcept;
  std::optional<LogLine> Pop();
  uint64_t dropped_count() const;

 private:
  const uint32_t level_least_;
  const size_t lines_max_;
  mutable absl::Mutex mutex_;
  std::deque<LogLine> lines_ ABSL_GUARDED_BY(mutex_);
  uint64_t dropped_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Passes the lines of `engine` on to `log` and to `queue`, each of which may be null.
class LogObserver final : public Observer {
 public:
  LogObserver(const Engine* engine, std::shared_ptr<const LogCallback> log,
              std::shared_ptr<LogQueue> queue)
      : engine_(engine), log_(std::move(log)), queue_(std::move(queue)) {}

  void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) override {
    if (log_ != nullptr) log_->Write(engine_, level, event, fields);
    if (queue_ != nullptr) queue_->Push(level, event, fields);
  }

 private:
  const Engine* const engine_;
  const std::shared_ptr<const LogCallback> log_;
  const std::shared_ptr<LogQueue> queue_;
};

}  // namespace convoy::capi

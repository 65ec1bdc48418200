// Structured logs: one JSON object a line, on standard error.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "convoy/observer.h"

namespace convoyd {

// Safe to use from any thread. Lines are written whole.
class LogObserver final : public convoy::Observer {
 public:
  explicit LogObserver(convoy::LogLevel level) : level_(level) {}

  void Log(convoy::LogLevel level, std::string_view event,
           std::span<const convoy::LogField> fields) override;
  void Count(std::string_view metric, uint64_t delta) override;

  // Logs one line with every counter so far.
  void LogCounters();

 private:
  const convoy::LogLevel level_;
  absl::Mutex mutex_;
  std::map<std::string, uint64_t, std::less<>> counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoyd

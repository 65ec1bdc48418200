// Observer of the library's log lines and counts. The host decides where they go; by default they
// are discarded. Nothing secret is ever passed to an observer.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace convoy {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

// One key and its value in a log line.
struct LogField {
  std::string_view key;
  std::string_view value;
};

// Implementations must be safe to call from any thread, must not throw, and must not call back into
// the gateway. The views are valid during the call only.
class Observer {
 public:
  virtual ~Observer() = default;

  // `event` is a stable lower-case phrase ("endpoint disabled") to search for; all varying parts
  // are in `fields`.
  virtual void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) {
    (void)level, (void)event, (void)fields;
  }

  // Adds `delta` to a monotonic counter, e.g. "convoy_broker_message_received_total".
  virtual void Count(std::string_view metric, uint64_t delta) { (void)metric, (void)delta; }
};

}  // namespace convoy

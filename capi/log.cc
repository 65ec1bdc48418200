// Formatter of log lines. Values may come from outside, so they are escaped (a value can neither
// end the line nor forge another field) and truncated.
#include "capi/log.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "capi/callback.h"

namespace convoy::capi {
namespace {

constexpr size_t kValueBytesMax = 1024;

static_assert(static_cast<uint32_t>(LogLevel::kDebug) == CONVOY_LOG_DEBUG);
static_assert(static_cast<uint32_t>(LogLevel::kInfo) == CONVOY_LOG_INFO);
static_assert(static_cast<uint32_t>(LogLevel::kWarning) == CONVOY_LOG_WARNING);
static_assert(static_cast<uint32_t>(LogLevel::kError) == CONVOY_LOG_ERROR);

}  // namespace

LogLine FormatLine(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  LogLine line = {static_cast<uint32_t>(level), std::string(event), std::string(event)};
  for (const LogField& field : fields) {
    absl::StrAppend(&line.message, " ", field.key, "=\"",
                    absl::Utf8SafeCEscape(field.value.substr(0, kValueBytesMax)), "\"");
  }
  return line;
}

void LogCallback::Write(const Engine* engine, LogLevel level, std::string_view event,
                        std::span<const LogField> fields) const noexcept {
  if (static_cast<uint32_t>(level) < level_least_) return;
  try {
    const LogLine line = FormatLine(level, event, fields);
    const CallbackScope scope(engine);
    write_(user_.get(), line.level, line.event.c_str(), line.message.c_str());
  } catch (...) {
    // Neither a lack of memory nor a callback that throws may stop a delivery, and there is no
    // other place to report it.
  }
}

void LogQueue::Push(LogLevel level, std::string_view event,
                    std::span<const LogField> fields) noexcept {
  if (static_cast<uint32_t>(level) < level_least_) return;
  absl::MutexLock lock(&mutex_);
  if (lines_.size() >= lines_max_) {
    ++dropped_count_;
    return;
  }
  try {
    lines_.push_back(FormatLine(level, event, fields));
  } catch (...) {
    ++dropped_count_;
  }
}

std::optional<LogLine> LogQueue::Pop() {
  absl::MutexLock lock(&mutex_);
  if (lines_.empty()) return std::nullopt;
  std::optional<LogLine> line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

uint64_t LogQueue::dropped_count() const {
  absl::MutexLock lock(&mutex_);
  return dropped_count_;
}

}  // namespace convoy::capi

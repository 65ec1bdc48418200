// Lines of JSON to standard error; counters are kept and written when the process ends.
#include "examples/convoyd/log.h"

#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "examples/convoyd/json_text.h"

namespace convoyd {
namespace {

std::string_view LevelName(convoy::LogLevel level) {
  switch (level) {
    case convoy::LogLevel::kDebug:
      return "debug";
    case convoy::LogLevel::kInfo:
      return "info";
    case convoy::LogLevel::kWarning:
      return "warning";
    case convoy::LogLevel::kError:
      return "error";
  }
  return "error";
}

}  // namespace

void LogObserver::Log(convoy::LogLevel level, std::string_view event,
                      std::span<const convoy::LogField> fields) {
  if (level < level_) return;
  JsonLine line;
  line.Add("time", absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone()));
  line.Add("level", LevelName(level)).Add("event", event);
  for (const convoy::LogField& field : fields) line.Add(field.key, field.value);
  const std::string text = line.Take();
  // One write a line keeps lines of several threads apart. A log that cannot be written is given
  // up: serving goes on.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

void LogObserver::Count(std::string_view metric, uint64_t delta) {
  absl::MutexLock lock(&mutex_);
  const auto found = counters_.find(metric);
  if (found != counters_.end()) {
    found->second += delta;
  } else {
    counters_.emplace(metric, delta);
  }
}

void LogObserver::LogCounters() {
  std::vector<std::pair<std::string, std::string>> values;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [metric, value] : counters_) values.emplace_back(metric, absl::StrCat(value));
  }
  std::vector<convoy::LogField> fields;
  for (const auto& [metric, value] : values) fields.push_back({metric, value});
  Log(convoy::LogLevel::kInfo, "counters", fields);
}

}  // namespace convoyd

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

void LogCallback::Write(const Engine* engine, LogLevel level, std::string_view event,
                        std::span<const LogField> fields) const noexcept {
  if (static_cast<uint32_t>(level) < level_least_) return;
  try {
    const std::string name(event);
    std::string message = name;
    for (const LogField& field : fields) {
      absl::StrAppend(&message, " ", field.key, "=\"",
                      absl::Utf8SafeCEscape(field.value.substr(0, kValueBytesMax)), "\"");
    }
    const CallbackScope scope(engine);
    write_(user_.get(), static_cast<uint32_t>(level), name.c_str(), message.c_str());
  } catch (...) {
    // Neither a lack of memory nor a callback that throws may stop a delivery, and there is no
    // other place to report it.
  }
}

}  // namespace convoy::capi

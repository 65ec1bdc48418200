// Decided by the head and the size of the body: what is answered from memory, or is an event of
// usual size, is quick.
#include <optional>
#include <string_view>

#include "lib/http/request/work.h"

namespace convoy::http {
namespace {

constexpr size_t kQuickBodyBytes = 64 * 1024;

// The text that follows `prefix` up to the next slash; nullopt if `path` does not start with it.
std::optional<std::string_view> SegmentAfter(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  return path.substr(0, path.find('/'));
}

}  // namespace

WorkPlan PlanWork(const HttpRequest& request) {
  const bool is_small = request.body.size() <= kQuickBodyBytes;
  if (const auto mask = SegmentAfter(request.path, "/ingest/")) {
    return {.is_quick = is_small, .kind = WorkKind::kIntake, .queue = std::string(*mask)};
  }
  // These ask the store, which may make them wait.
  if (request.path == "/readyz" || request.path == "/metrics") {
    return {.is_quick = false, .kind = WorkKind::kIntake, .queue = std::string(request.path)};
  }
  if (!request.path.starts_with("/api/v1/")) return {};
  const auto project = SegmentAfter(request.path, "/api/v1/projects/");
  WorkPlan plan{
      .is_quick = false, .kind = WorkKind::kRead, .queue = std::string(project.value_or(""))};
  if (request.method == "POST" && request.path.ends_with("/events")) {
    plan.is_quick = is_small;
    plan.kind = WorkKind::kIntake;
  } else if (request.path.ends_with("/events/fanout") ||
             request.path.ends_with("/events/broadcast") ||
             request.path.ends_with("/events/dynamic")) {
    plan.kind = WorkKind::kIntake;
  }
  return plan;
}

}  // namespace convoy::http

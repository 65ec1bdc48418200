// Kinds of work that requests are, for event loops, which must not wait for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "convoy/http.h"

namespace convoy::http {

enum class WorkKind : uint8_t {
  kIntake,  // takes events in, but is large
  kRead,    // everything else that may take long
};
inline constexpr size_t kWorkKindsCount = 2;

// Where a request is to be handled.
struct WorkPlan {
  bool is_quick = true;  // at once, on the thread that has it
  WorkKind kind = WorkKind::kRead;
  std::string queue;  // requests with the same take turns with those of others
};

// Knows nothing of who asks: to be used once the head has been judged.
WorkPlan PlanWork(const HttpRequest& request);

struct WorkCounts {
  uint64_t waiting = 0;
  uint64_t running = 0;
  uint64_t refused_total = 0;    // too much was waiting
  uint64_t timed_out_total = 0;  // it took longer than it may
};

}  // namespace convoy::http

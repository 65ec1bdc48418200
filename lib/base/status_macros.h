// Early return on error, for functions that return absl::Status or absl::StatusOr.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define CONVOY_STATUS_CONCAT_INNER(a, b) a##b
#define CONVOY_STATUS_CONCAT(a, b) CONVOY_STATUS_CONCAT_INNER(a, b)

// Returns the status of `expression` from the enclosing function unless it is OK.
#define CONVOY_RETURN_IF_ERROR(expression)                                \
  do {                                                                    \
    if (absl::Status convoy_status = (expression); !convoy_status.ok()) { \
      return convoy_status;                                               \
    }                                                                     \
  } while (false)

// Assigns the value of a StatusOr to `target` (a declaration or an lvalue), or returns its status.
#define CONVOY_ASSIGN_OR_RETURN(target, expression) \
  CONVOY_ASSIGN_OR_RETURN_INNER(CONVOY_STATUS_CONCAT(convoy_or_, __LINE__), target, expression)
#define CONVOY_ASSIGN_OR_RETURN_INNER(holder, target, expression) \
  auto holder = (expression);                                     \
  if (!holder.ok()) return std::move(holder).status();            \
  target = *std::move(holder)

// Rows of a bulk onboarding: one receiver each, from JSON or from a CSV file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/http/request/context.h"

namespace convoy::http {

struct OnboardRow {
  std::string name;
  std::string url;
  std::string event_type;  // empty: all
  std::string auth_username;
  std::string auth_password;
};

// A fault of one row, which is counted from 1.
struct RowFault {
  size_t row = 0;
  std::string field;
  std::string message;
};

// 1 to 1,000 rows, not judged yet; kInvalidArgument for what is no such list.
absl::StatusOr<std::vector<OnboardRow>> ReadOnboardRows(const Context& context);

std::vector<RowFault> FindFaults(const std::vector<OnboardRow>& rows, const ProjectConfig& config);

}  // namespace convoy::http

// This process's credentials at Amazon, as the variables say that Amazon's own programs read.
#pragma once

#include "absl/status/statusor.h"

#include "convoy/sqs.h"

namespace convoyd {

// An access key wins over web identity. kInvalidArgument says which variable is missing.
absl::StatusOr<convoy::SqsOptions> ReadAwsEnvironment(char* const* environment);

}  // namespace convoyd

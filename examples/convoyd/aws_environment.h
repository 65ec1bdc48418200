// Credentials of this process at Amazon, read from the variables that Amazon's own programs use.
#pragma once

#include "absl/status/statusor.h"

#include "convoy/sqs.h"

namespace convoyd {

// An access key wins over web identity. kInvalidArgument says which variable is missing.
absl::StatusOr<convoy::SqsOptions> ReadAwsEnvironment(char* const* environment);

}  // namespace convoyd

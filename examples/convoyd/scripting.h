// The engine of payload functions that this convoyd was built with.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/scripting.h"

namespace convoyd {

// Null where it was built without: functions are refused then.
absl::StatusOr<std::unique_ptr<convoy::Scripting>> NewScripting();

}  // namespace convoyd

// Transactional outboxes that the settings name, and the command that prints their SQL.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/broker.h"
#include "examples/convoyd/settings.h"

namespace convoyd {

// Adds NAME=WHERE to the outboxes of `settings`. kInvalidArgument if it is not of this form.
absl::Status ApplyOutbox(Settings& settings, std::string_view text);

// The adapter of all of them, which there is also if there are none.
std::shared_ptr<convoy::Broker> NewOutboxes(const Settings& settings);

}  // namespace convoyd

// The message brokers that this convoyd was built for.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/broker.h"
#include "examples/convoyd/settings.h"

namespace convoyd {

// `environment` is looked at only where `settings` say so.
absl::StatusOr<std::vector<std::shared_ptr<convoy::Broker>>> NewBrokers(const Settings& settings,
                                                                        char* const* environment);

}  // namespace convoyd

// The message brokers that this convoyd was built for.
#pragma once

#include <memory>
#include <vector>

#include "convoy/broker.h"

namespace convoyd {

std::vector<std::shared_ptr<convoy::Broker>> NewBrokers();

}  // namespace convoyd

// Settings by name, as the gateway's options.
#pragma once

#include <string>

#include "convoy/options.h"

struct convoy_config {
  std::string storage_path;  // empty: in memory
  convoy::GatewayOptions options;
};

// Settings by name, mapped to the gateway's options.
#pragma once

#include <memory>
#include <string>

#include "capi/log.h"
#include "convoy/options.h"

struct convoy_config {
  std::string storage_path;  // empty: in memory
  convoy::GatewayOptions options;
  std::shared_ptr<const convoy::capi::LogCallback> log;  // null: silence
};

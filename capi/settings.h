// Table of the settings that convoy_config_set takes: key, default and description of each.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "capi/config.h"

namespace convoy::capi {

struct Setting {
  std::string key;
  std::string default_text;
  std::string help;
  // False if the value is not allowed; then the configuration may be changed in part.
  std::function<bool(convoy_config& config, std::string_view value)> set;
  bool is_secret = false;  // no error repeats the value
};

// Made once and never freed, so that pointers into it stay valid.
const std::vector<Setting>& Settings();

}  // namespace convoy::capi

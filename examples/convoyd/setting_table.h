// Table of settings: the one declaration of each, with its help and the way its text is applied.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "examples/convoyd/settings.h"

namespace convoyd {

struct Setting {
  std::string flag;  // "log-level"
  std::string placeholder;
  std::string help;
  // Sets the field from its text. Errors are kInvalidArgument and say what is allowed.
  std::function<absl::Status(Settings&, std::string_view)> apply;
  // Empties the list that the setting is: it may be given several times, and as an array in the
  // file. Null if it is none.
  std::function<void(Settings&)> clear = nullptr;

  bool is_list() const { return clear != nullptr; }
};

// All settings but "config", in the order of --help.
const std::vector<Setting>& SettingTable();

// The name in the file and, in capitals, in the environment: "log_level".
std::string NameOf(const Setting& setting);

// The setting with this name, or null.
const Setting* FindSetting(std::string_view name);

}  // namespace convoyd

// The schemes that are known by name.
#pragma once

#include <span>
#include <string_view>

namespace convoy::verify {

struct Preset {
  std::string_view name;
  std::string_view evidence;  // where the facts come from
  std::string_view scheme;    // JSON
};

std::span<const Preset> Presets();
const Preset* FindPreset(std::string_view name);

}  // namespace convoy::verify

// The version of the library, as in CMakeLists.txt (a test compares them).
#pragma once

#include <string_view>

namespace convoy {

inline constexpr std::string_view kVersion = "0.2.0";

}  // namespace convoy

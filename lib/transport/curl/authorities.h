// File of the system's trusted certificate authorities, for a libcurl that was built without one.
#pragma once

#include <string>

namespace convoy::transport {

// Empty if libcurl knows the authorities by itself, and if none of the usual files is there.
std::string FindAuthorities();

}  // namespace convoy::transport

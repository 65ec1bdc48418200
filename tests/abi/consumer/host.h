// Host program's use of libconvoy, implemented by host_linked.cc, host_loaded.cc and
// host_archive.cc.
#pragma once

#include <string>

// Is `signature` that of GitHub's scheme?
bool IsGenuine(const std::string& secret, const std::string& body, const std::string& signature);

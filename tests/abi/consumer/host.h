// What a host asks of libconvoy; host_linked.cc, host_loaded.cc and host_archive.cc answer.
#pragma once

#include <string>

// Is `signature` that of GitHub's scheme?
bool IsGenuine(const std::string& secret, const std::string& body, const std::string& signature);

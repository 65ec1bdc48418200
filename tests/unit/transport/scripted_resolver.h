// DNS as a test wants it, under the real libcurl: this program's getaddrinfo takes the place of the
// C library's and answers scripted names, passing all others on.
#pragma once

#include <string>
#include <vector>

namespace convoy::testing {

// The n-th question about `name` is answered with the n-th list of numeric addresses, later ones
// with the last. Names are compared as asked; an empty list is "no such name".
void ScriptName(const std::string& name, std::vector<std::vector<std::string>> answers);

// How often `name` was asked for.
int QuestionsCount(const std::string& name);

}  // namespace convoy::testing

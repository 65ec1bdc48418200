// The filter language as slowly and plainly as it can be said: recursive, over RapidJSON's own
// tree, collecting every value that a path leads to. Written from the description of the language,
// not from lib/route; the two must agree on everything.
#pragma once

#include <string_view>

namespace convoy::testing {

// Both must be JSON; the filter must be one that compiles.
bool NaiveFilterMatches(std::string_view filter, std::string_view document);

}  // namespace convoy::testing

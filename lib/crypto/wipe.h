// Overwriting of secrets that are no longer needed.
#pragma once

#include <string>

namespace convoy::crypto {

// Overwrites the bytes, which no optimiser may leave out, and empties the string.
void Wipe(std::string& bytes);

}  // namespace convoy::crypto

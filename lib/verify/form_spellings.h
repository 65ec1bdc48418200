// Forms written anew: the same fields under the conventions of the common libraries, which differ
// in what they escape.
#pragma once

#include <string>
#include <vector>

#include "lib/body/form.h"

namespace convoy::verify {

// Every spelling once for each convention; some may be equal.
std::vector<std::string> SpellForm(const body::FormFields& fields);

}  // namespace convoy::verify

// Other spellings of a body that a provider may have signed, where something between the provider
// and here has written it anew.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/body/body_view.h"

namespace convoy::verify {

struct Spelling {
  std::string_view code;  // of the cause
  std::string_view text;
  std::string body;
};

// Those that differ from `body`, each once, likely ones first, of at most 16 MiB in all. Of a body
// beyond 256 KiB only the cheap ones.
std::vector<Spelling> SpellBody(std::string_view body, body::BodyView& view);

// The entities that every writer of HTML escapes, as the characters that they stand for.
std::string UnescapeHtml(std::string_view text);

}  // namespace convoy::verify

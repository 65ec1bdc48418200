// Rule of searches in lists (SearchText), the same in every store.
#pragma once

#include <initializer_list>
#include <string_view>

#include "convoy/storage.h"

namespace convoy::storage {

// Whether a row is found by the text: one of its ids begins with it, or one of its texts has it,
// both without case (ASCII). Everything is found by an empty text.
bool IsFoundBy(const SearchText& search, std::initializer_list<std::string_view> ids,
               std::initializer_list<std::string_view> texts);

// Whether an id may begin with the text. If not, the ids of rows need not be made to be compared.
bool MayBeginId(const SearchText& search);

}  // namespace convoy::storage

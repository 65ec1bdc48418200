// A document of `convoyd import` in parts, one for each project: lists of objects by name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace convoyd {

// Texts of JSON objects, by the name of their list.
using ImportPart = std::map<std::string, std::vector<std::string>>;

// By the id of the project, empty for what belongs to none. kInvalidArgument if `text` is no
// document, or is nested deeper than one can be.
absl::StatusOr<std::map<std::string, ImportPart>> SplitImport(const std::string& text);

// The part as a document of its own.
std::string BodyOf(const ImportPart& part);

}  // namespace convoyd

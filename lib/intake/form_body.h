// Form bodies read as JSON objects: what filters, locations and the API's `data` see of them. The
// bytes that are stored and delivered stay the form itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace convoy::intake {

// Fields beyond this many make a form unreadable.
inline constexpr size_t kFormFieldsMax = 10'000;

// Whether a body of this type is a form: application/x-www-form-urlencoded or multipart/form-data.
bool IsForm(std::string_view content_type);

// The fields of a form in the order of their first appearance: {"name": "value"}, or a list of
// values for a field that appears several times. Files of a multipart form are left out. nullopt if
// `body` is not a form of that type, or exceeds the limit.
std::optional<std::string> FormToJson(std::string_view content_type, std::string_view body);

}  // namespace convoy::intake

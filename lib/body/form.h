// Form bodies: application/x-www-form-urlencoded and multipart/form-data (RFC 7578), read by one
// reader for all who look into them. The bytes that are stored and sent stay the form itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace convoy::body {

// Fields beyond this many make a form unreadable.
inline constexpr size_t kFormFieldsMax = 10'000;

// Name and value in the order of their appearance. Files of a multipart form are left out unless
// they are asked for.
using FormFields = std::vector<std::pair<std::string, std::string>>;

// Media types compare without case; parameters such as a charset do not matter.
bool IsForm(std::string_view content_type);
bool IsMultipart(std::string_view content_type);

// The content type of a multipart form that came without one, from its first lines; empty if the
// body does not begin as a form does.
std::string GuessMultipart(std::string_view body);

// nullopt if `body` is not a form of that type, or exceeds the limit. Of an urlencoded form every
// text is one: an escape that is none stands for itself, as the WHATWG has it.
// `has_files`: the content of a file is the value of its field.
std::optional<FormFields> ReadForm(std::string_view content_type, std::string_view body,
                                   bool has_files = false);

// {"name": "value"}, or a list of values for a field that appears several times.
std::string FieldsToJson(const FormFields& fields);

}  // namespace convoy::body

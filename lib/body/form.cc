// Two readers of forms, both strictly forward over the bytes. Text that is not UTF-8 becomes U+FFFD
// in the JSON; the fields keep it.

#include "lib/body/form.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/json/writer.h"

namespace convoy::body {
namespace {

constexpr std::string_view kUrlEncoded = "application/x-www-form-urlencoded";
constexpr std::string_view kMultipart = "multipart/form-data";
constexpr size_t kBoundaryBytesMax = 70;          // RFC 2046
constexpr size_t kPartHeaderBytesMax = 8 * 1024;  // of all header lines of one part

// False if there are too many.
bool Add(std::string name, std::string value, FormFields* fields) {
  if (fields->size() == kFormFieldsMax) return false;
  fields->emplace_back(std::move(name), std::move(value));
  return true;
}

std::string_view MediaType(std::string_view content_type) {
  return absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';')));
}

// The parameter `name` of a header value such as `form-data; name="a"; filename="b"`.
std::optional<std::string> FindParameter(std::string_view header, std::string_view name) {
  size_t at = header.find(';');
  while (at != std::string_view::npos) {
    const size_t equals = header.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = absl::StripAsciiWhitespace(header.substr(at + 1, equals - at - 1));
    std::string value;
    at = equals + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value.push_back(header[at]);
      }
      if (at == header.size()) return std::nullopt;  // the quote never closes
      at = header.find(';', at);
    } else {
      const size_t end = header.find(';', at);
      value = absl::StripAsciiWhitespace(
          header.substr(at, end == std::string_view::npos ? end : end - at));
      at = end;
    }
    if (base::EqualsIgnoreCase(key, name)) return value;
  }
  return std::nullopt;
}

bool ReadUrlEncoded(std::string_view body, FormFields* fields) {
  for (const std::string_view field : absl::StrSplit(body, '&', absl::SkipEmpty())) {
    const std::pair<std::string_view, std::string_view> pair =
        absl::StrSplit(field, absl::MaxSplits('=', 1));
    if (!Add(base::FormDecode(pair.first), base::FormDecode(pair.second), fields)) return false;
  }
  return true;
}

// Adds what one part says, whose header lines are `head`. False if it has no name.
bool ReadPart(std::string_view head, std::string_view content, bool has_files, FormFields* fields) {
  for (const std::string_view line : absl::StrSplit(head, "\r\n", absl::SkipEmpty())) {
    const std::pair<std::string_view, std::string_view> header =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (!base::EqualsIgnoreCase(header.first, "Content-Disposition")) continue;
    if (!has_files && FindParameter(header.second, "filename").has_value()) return true;
    std::optional<std::string> name = FindParameter(header.second, "name");
    return name.has_value() && Add(*std::move(name), std::string(content), fields);
  }
  return false;
}

bool ReadMultipart(std::string_view boundary, std::string_view body, bool has_files,
                   FormFields* fields) {
  const std::string delimiter = absl::StrCat("\r\n--", boundary);
  // The first delimiter may stand at the very beginning, without its line break.
  size_t at = 0;
  if (!absl::StartsWith(body, std::string_view(delimiter).substr(2))) {
    at = body.find(delimiter);
    if (at == std::string_view::npos) return false;
    at += 2;
  }
  while (true) {
    at += delimiter.size() - 2;
    if (absl::StartsWith(body.substr(at), "--")) return true;
    const size_t line_end = body.find("\r\n", at);
    if (line_end == std::string_view::npos) return false;
    // White space may follow a delimiter, nothing else.
    const std::string_view padding = body.substr(at, line_end - at);
    if (!absl::StripAsciiWhitespace(padding).empty()) return false;
    // The line break that ends the delimiter also begins the empty line of a part without headers.
    const size_t head_end = body.substr(line_end, kPartHeaderBytesMax).find("\r\n\r\n");
    if (head_end == std::string_view::npos) return false;
    const size_t content = line_end + head_end + 4;
    const size_t content_end = body.find(delimiter, content - 2);
    if (content_end == std::string_view::npos) return false;
    const size_t content_size = content_end < content ? 0 : content_end - content;
    if (!ReadPart(body.substr(line_end, head_end), body.substr(content, content_size), has_files,
                  fields)) {
      return false;
    }
    at = content_end + 2;
  }
}

}  // namespace

bool IsMultipart(std::string_view content_type) {
  return base::EqualsIgnoreCase(MediaType(content_type), kMultipart);
}

bool IsForm(std::string_view content_type) {
  return base::EqualsIgnoreCase(MediaType(content_type), kUrlEncoded) || IsMultipart(content_type);
}

std::string GuessMultipart(std::string_view body) {
  constexpr std::string_view kFirstHeader = "content-disposition: form-data";
  const size_t line_end = body.substr(0, kBoundaryBytesMax + 4).find("\r\n");
  if (!body.starts_with("--") || line_end == std::string_view::npos || line_end == 2) return "";
  const std::string_view header = body.substr(line_end + 2, kFirstHeader.size());
  const std::string_view boundary = body.substr(2, line_end - 2);
  if (!base::EqualsIgnoreCase(header, kFirstHeader) || boundary.find('"') != boundary.npos) {
    return "";
  }
  return absl::StrCat(kMultipart, "; boundary=\"", boundary, "\"");
}

std::optional<FormFields> ReadForm(std::string_view content_type, std::string_view body,
                                   bool has_files) {
  FormFields fields;
  if (IsMultipart(content_type)) {
    const std::optional<std::string> boundary = FindParameter(content_type, "boundary");
    if (!boundary.has_value() || boundary->empty() || boundary->size() > kBoundaryBytesMax ||
        !ReadMultipart(*boundary, body, has_files, &fields)) {
      return std::nullopt;
    }
  } else if (!IsForm(content_type) || !ReadUrlEncoded(body, &fields)) {
    return std::nullopt;
  }
  return fields;
}

std::string FieldsToJson(const FormFields& fields) {
  absl::flat_hash_map<std::string_view, std::vector<std::string_view>> values_by_name;
  for (const auto& [name, value] : fields) values_by_name[name].push_back(value);
  json::Writer writer;
  writer.BeginObject();
  for (const auto& [name, value] : fields) {
    auto found = values_by_name.find(name);
    if (found == values_by_name.end()) continue;  // written with its first value
    const std::vector<std::string_view> values = std::move(found->second);
    values_by_name.erase(found);
    writer.Key(name);
    if (values.size() > 1) writer.BeginArray();
    for (const std::string_view each : values) writer.String(each);
    if (values.size() > 1) writer.EndArray();
  }
  writer.EndObject();
  return writer.TakeText();
}

}  // namespace convoy::body

// Reads and fills in request scripts.
#include "tests/fuzz/request_script.h"

#include <algorithm>
#include <utility>

#include "lib/base/encoding.h"
#include "tests/fuzz/input.h"

namespace convoy::fuzz {
namespace {

constexpr size_t kHeadersMax = 64;

// Replaces the control characters; what is between two of them is filled in first.
std::string Fill(std::string_view text, const Fillings& fillings, bool is_nested = false) {
  std::string filled;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\x01') {
      filled += fillings.signature(filled);
    } else if (c == '\x05') {
      filled += fillings.time;
    } else if (c == '\x06') {
      filled += fillings.check;
    } else if ((c == '\x02' || c == '\x04') && !is_nested) {
      const size_t end = std::min(text.find('\x03', i), text.size());
      const std::string inner = Fill(text.substr(i + 1, end - i - 1), fillings, true);
      filled += c == '\x02' ? base::Base64UrlEncode(inner) : base::Base64Encode(inner);
      i = end;
    } else {
      filled.push_back(c);
    }
  }
  return filled;
}

}  // namespace

ScriptedRequest::ScriptedRequest(std::string_view script,
                                 const std::vector<std::string>& header_names,
                                 const Fillings& fillings) {
  Input input(reinterpret_cast<const uint8_t*>(script.data()), script.size());
  while (!input.empty()) {
    const char letter = static_cast<char>(input.Byte());
    if (letter == 'B') {
      body = Fill(input.Rest(), fillings);
    } else {
      AddLine(letter, Fill(input.TextUntil('\n'), fillings), header_names);
    }
  }
}

void ScriptedRequest::AddLine(char letter, std::string value,
                              const std::vector<std::string>& header_names) {
  if (letter == 'M') {
    method_ = std::move(value);
  } else if (letter == 'U') {
    const size_t authority = value.find("://");
    const size_t path = value.find('/', authority == std::string::npos ? 0 : authority + 3);
    const size_t question = std::min(value.find('?'), value.size());
    query_ = value.substr(std::min(question + 1, value.size()));
    path_ = path < question ? value.substr(path, question - path) : "/";
    url_ = std::move(value);
  } else if (letter == 'P') {
    path_ = std::move(value);
  } else if (letter == 'Q') {
    query_ = std::move(value);
  } else if (headers.size() == kHeadersMax) {
    return;
  } else if (letter == 'H') {
    const size_t colon = std::min(value.find(": "), value.size());
    headers.push_back({value.substr(0, colon), value.substr(std::min(colon + 2, value.size()))});
  } else if (letter >= 'a' && letter <= 't' && !header_names.empty()) {
    headers.push_back(
        {header_names[static_cast<size_t>(letter - 'a') % header_names.size()], std::move(value)});
  }
}

VerifyRequest ScriptedRequest::view() const {
  header_views_.clear();
  for (const Header& header : headers) header_views_.push_back({header.name, header.value});
  return {.method = method_,
          .url = url_,
          .path = path_,
          .query = query_,
          .headers = header_views_,
          .body = body};
}

}  // namespace convoy::fuzz

// One convention is the characters that are left alone beside letters and digits, the way a space
// is written, and the case of the escapes.
#include "lib/verify/form_spellings.h"

#include <string_view>

#include "absl/strings/ascii.h"

namespace convoy::verify {
namespace {

struct Convention {
  std::string_view kept;
  std::string_view space;
};

constexpr Convention kConventions[] = {
    {"-_.*", "+"},            // WHATWG, Java
    {"-_.", "+"},             // PHP's urlencode
    {"-_.~", "+"},            // Go, Python
    {"-_.~", "%20"},          // RFC 3986
    {"-_.!~*'()", "%20"},     // JavaScript's encodeURIComponent
    {"-_.!~*'()", "+"},       // jQuery
    {"-_.~/:@!$'()*,;", "+"}  // what a query may hold
};

void Append(std::string_view text, const Convention& convention, std::string_view digits,
            std::string* out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      *out += convention.space;
    } else if (absl::ascii_isalnum(byte) || convention.kept.find(c) != std::string_view::npos) {
      out->push_back(c);
    } else {
      *out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
}

}  // namespace

std::vector<std::string> SpellForm(const body::FormFields& fields) {
  std::vector<std::string> spellings;
  for (const std::string_view digits : {"0123456789ABCDEF", "0123456789abcdef"}) {
    for (const Convention& convention : kConventions) {
      std::string form;
      for (const auto& [name, value] : fields) {
        if (!form.empty()) form.push_back('&');
        Append(name, convention, digits, &form);
        form.push_back('=');
        Append(value, convention, digits, &form);
      }
      spellings.push_back(std::move(form));
    }
  }
  return spellings;
}

}  // namespace convoy::verify

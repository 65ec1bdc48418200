// Texts of selected elements of an XML document: as much of XML as responses of Amazon's older
// protocol use. A document type, CDATA and processing instructions are refused, so there are no
// entities but XML's own five; namespace prefixes mean nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace convoy::broker {

struct XmlField {
  std::string path;  // "/ErrorResponse/Error/Code"
  std::string text;  // what is read; stays as it is if there is no such element
};

inline constexpr size_t kXmlBytesMax = 64 * 1024;

// The whole document is looked at. kInvalidArgument, without anything of what it says, for one that
// is larger than kXmlBytesMax, nested too deeply or not well-formed, and for a field that is there
// twice or holds elements: then the fields are worth nothing.
absl::Status ReadXmlTexts(std::string_view document, std::span<XmlField> fields);

}  // namespace convoy::broker

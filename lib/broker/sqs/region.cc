// Names and domains of Amazon's regions.
#include "lib/broker/sqs/region.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace convoy::broker {

bool IsRegion(std::string_view text) {
  constexpr size_t kBytesMax = 64;
  return !text.empty() && text.size() <= kBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

std::string AmazonUrlOf(std::string_view service, std::string_view region) {
  const bool is_china = absl::StartsWith(region, "cn-");
  return absl::StrCat("https://", service, ".", region, ".amazonaws.com", is_china ? ".cn" : "");
}

}  // namespace convoy::broker

// Amazon's regions and the addresses of their services.
#pragma once

#include <string>
#include <string_view>

namespace convoy::broker {

// Whether it is spelt like one: nothing that would change an URL's host.
bool IsRegion(std::string_view text);

// "https://sqs.eu-west-1.amazonaws.com"
std::string AmazonUrlOf(std::string_view service, std::string_view region);

}  // namespace convoy::broker

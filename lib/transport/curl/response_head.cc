// libcurl checks the grammar of the status line and hands over whole lines; what is decided here is
// which of them belong to the answer.
#include "lib/transport/curl/response_head.h"

#include <string>

#include "absl/strings/ascii.h"

namespace convoy::transport {
namespace {

constexpr size_t kBytesMax = 64 * 1024;
constexpr size_t kHeadersMax = 256;

// The status of "HTTP/1.1 200 OK" or "HTTP/2 200"; 0 if the line is not of that form.
int StatusOf(std::string_view line) {
  const size_t space = line.find(' ');
  if (!line.starts_with("HTTP/") || space == std::string_view::npos) return 0;
  const std::string_view digits = line.substr(space + 1, 3);
  int status = 0;
  for (const char c : digits) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return 0;
    status = status * 10 + (c - '0');
  }
  return digits.size() == 3 ? status : 0;
}

}  // namespace

bool ResponseHead::Add(std::string_view line) {
  bytes_count_ += line.size();
  if (bytes_count_ > kBytesMax) is_too_large_ = true;
  if (is_too_large_) return false;
  if (is_complete_) return true;
  line = absl::StripAsciiWhitespace(line);
  if (expects_status_line_) {
    headers_.clear();  // those before belonged to an interim answer
    status_ = StatusOf(line);
    expects_status_line_ = false;
  } else if (line.empty()) {
    expects_status_line_ = is_interim();
    is_complete_ = !is_interim();
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    headers_.push_back({.name = std::string(line.substr(0, colon)),
                        .value = std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)))});
    is_too_large_ = headers_.size() > kHeadersMax;
  }
  return !is_too_large_;
}

}  // namespace convoy::transport

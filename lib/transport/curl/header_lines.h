// Header lines in the form that libcurl reads, a list of texts, in two blocks of memory that are
// used again: a list of libcurl's own making has two for each line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>

namespace convoy::transport {

class HeaderLines {
 public:
  HeaderLines() = default;
  HeaderLines(const HeaderLines&) = delete;
  HeaderLines& operator=(const HeaderLines&) = delete;

  void Clear() {
    text_.clear();
    starts_.clear();
  }

  // The line is the parts, one after the other, none of which may hold a NUL.
  template <typename... Parts>
  void Add(const Parts&... parts) {
    starts_.push_back(text_.size());
    (text_.append(std::string_view(parts)), ...);
    text_.push_back('\0');
  }

  // Valid until the next call of anything; nullptr if there are no lines.
  curl_slist* list() {
    nodes_.resize(starts_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i] = {.data = text_.data() + starts_[i],
                   .next = i + 1 < nodes_.size() ? &nodes_[i + 1] : nullptr};
    }
    return nodes_.empty() ? nullptr : nodes_.data();
  }

 private:
  std::string text_;
  std::vector<size_t> starts_;  // of the lines in text_
  std::vector<curl_slist> nodes_;
};

}  // namespace convoy::transport

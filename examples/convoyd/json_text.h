// The little JSON that convoyd writes itself: one flat object on one line.
#pragma once

#include <string>
#include <string_view>

namespace convoyd {

// `text` as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD, so that a line is
// always JSON whatever a client sent.
std::string JsonString(std::string_view text);

// Builds {"key":value,…}.
class JsonLine {
 public:
  JsonLine& Add(std::string_view key, std::string_view value);
  JsonLine& AddRaw(std::string_view key, std::string_view json);

  // The object and a line feed.
  std::string Take();

 private:
  std::string text_;
};

}  // namespace convoyd

// Writer of flat JSON objects. RapidJSON does the escaping; what it refuses is repaired byte by
// byte.
#include "examples/convoyd/json_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "rapidjson/encodings.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"

namespace convoyd {
namespace {

// The length of the UTF-8 sequence at the start of `text`, 0 if there is none.
size_t SequenceSize(std::string_view text) {
  rapidjson::MemoryStream in(text.data(), text.size());
  rapidjson::StringBuffer discarded;
  const bool is_valid = rapidjson::UTF8<>::Validate(in, discarded);
  return is_valid && in.Tell() <= text.size() ? in.Tell() : 0;
}

std::string Repair(std::string_view text) {
  std::string repaired;
  while (!text.empty()) {
    const size_t size = SequenceSize(text);
    repaired += size > 0 ? text.substr(0, size) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(size > 0 ? size : 1);
  }
  return repaired;
}

}  // namespace

std::string JsonString(std::string_view text) {
  const std::string repaired = Repair(text);
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.String(repaired.data(), static_cast<rapidjson::SizeType>(repaired.size()));
  return {buffer.GetString(), buffer.GetSize()};
}

JsonLine& JsonLine::Add(std::string_view key, std::string_view value) {
  return AddRaw(key, JsonString(value));
}

JsonLine& JsonLine::AddRaw(std::string_view key, std::string_view json) {
  absl::StrAppend(&text_, text_.empty() ? "{" : ",", JsonString(key), ":", json);
  return *this;
}

std::string JsonLine::Take() {
  std::string line = text_.empty() ? "{" : std::move(text_);
  line += "}\n";
  text_.clear();
  return line;
}

}  // namespace convoyd

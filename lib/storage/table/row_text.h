// Values as bytes: fields one after the other, numbers in eight bytes, texts behind their size. The
// same list of fields writes and reads a value.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"

#include "lib/base/time_text.h"

namespace convoy::storage {

// The number in eight bytes that ascend as it does, if it is not negative.
inline std::string BigEndian(uint64_t number) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, number >>= 8) bytes[i] = static_cast<char>(number & 0xFF);
  return bytes;
}

class RowWriter {
 public:
  template <typename... Fields>
  void Add(const Fields&... fields) {
    (AddOne(fields), ...);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  template <typename Number>
  requires std::integral<Number> || std::is_enum_v<Number>
  void AddOne(Number number) { bytes_ += BigEndian(static_cast<uint64_t>(number)); }
  void AddOne(std::string_view text) {
    AddOne(text.size());
    bytes_ += text;
  }
  void AddOne(absl::Time time) { AddOne(base::ToMicros(time)); }
  void AddOne(absl::Duration span) { AddOne(absl::ToInt64Microseconds(span)); }

  std::string bytes_;
};

// Once a field is not there all that follow are empty, and is_whole is false.
class RowReader {
 public:
  explicit RowReader(std::string_view bytes) : left_(bytes) {}

  template <typename... Fields>
  void Add(Fields&... fields) {
    (AddOne(fields), ...);
  }
  bool is_whole() const { return is_whole_; }

 private:
  std::string_view Next(size_t size) {
    if (size > left_.size()) {
      is_whole_ = false;
      left_ = {};
      return {};
    }
    const std::string_view bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }
  template <typename Number>
  requires std::integral<Number> || std::is_enum_v<Number>
  void AddOne(Number& number) {
    uint64_t value = 0;
    for (const char byte : Next(8)) value = value << 8 | static_cast<unsigned char>(byte);
    number = static_cast<Number>(value);
  }
  void AddOne(std::string& text) {
    size_t size = 0;
    AddOne(size);
    text = Next(size);
  }
  void AddOne(absl::Time& time) {
    int64_t micros = 0;
    AddOne(micros);
    time = base::FromMicros(micros);
  }
  void AddOne(absl::Duration& span) {
    int64_t micros = 0;
    AddOne(micros);
    span = absl::Microseconds(micros);
  }

  std::string_view left_;
  bool is_whole_ = true;
};

}  // namespace convoy::storage

// JSON texts that are looked into without being judged: to find a value, only the way to it has to
// be readable. Other parts may be nested at any depth, hold any number of values,
// text that is not UTF-8, halves of surrogate pairs or a NaN. The checking counterpart is raw.h.
//
// Nothing recurses, and nothing is allocated but for names and texts that are written with escapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/json/raw.h"

namespace convoy::json {

// How looking for a value ended.
enum class Sight : uint8_t {
  kFound,
  kAbsent,      // all that had to be read was readable, and the value is not there
  kUnreadable,  // what had to be read is not JSON
};

struct Place {
  Sight sight = Sight::kUnreadable;
  RawValue value;
  bool is_repeated = false;  // a name on the way occurs more than once: the last one counts
  bool is_cut = false;       // a container on the way stops being readable behind the value

  bool is_found() const { return sight == Sight::kFound; }
};

// The first value of `text`, behind white space; what follows it is not looked at. nullopt if there
// is none, or if it does not end.
std::optional<RawValue> SkimValue(std::string_view text);

// The value at a dotted path ("a.b.0.c"; numbers index arrays), as FindPath has it. The empty path
// is the whole value.
Place Look(std::string_view text, std::string_view path);

// Whether a member's name, as it is written with its quotes, means `name`.
bool KeyEquals(std::string_view quoted, std::string_view name);

// The members of an object or the elements of an array, one after the other.
class Skimmer {
 public:
  // `container` is an array or object that was found by this header or raw.h.
  explicit Skimmer(const RawValue& container);

  // False at the end, and where the text stops being readable: see is_broken().
  bool Next();

  std::string_view key() const { return key_; }  // as it is written, with its quotes
  const RawValue& value() const { return value_; }
  bool is_broken() const { return is_broken_; }

 private:
  bool Stop(bool is_broken);
  void SkipSpace();

  const std::string_view text_;
  const bool is_object_;
  size_t position_ = 1;  // behind the bracket
  bool is_first_ = true;
  bool is_over_ = false;
  bool is_broken_ = false;
  std::string_view key_;
  RawValue value_;
};

}  // namespace convoy::json

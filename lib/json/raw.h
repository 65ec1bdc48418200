// JSON texts read in place: checked in full, but kept as the bytes they are. Key order, number
// spelling and white space of a payload survive because nothing is ever written again.
//
// Nothing recurses: deep input costs no stack.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/json/limits.h"

namespace convoy::json {

enum class Type : uint8_t {
  kNull,
  kFalse,
  kTrue,
  kNumber,
  kString,
  kArray,
  kObject,
  kJunk,  // no value of JSON, such as NaN: only what does not check (skim.h) has it
};

// A value within a larger text.
struct RawValue {
  Type type = Type::kNull;
  std::string_view text;  // exactly its bytes: a string with its quotes and escapes

  // The decoded string; nullopt if it is not one. Half of a surrogate pair is kept as WTF-8 has it,
  // three bytes that are not UTF-8.
  std::optional<std::string> AsString() const;
  // Text for an event type or key: a string decoded, a number or boolean as spelt.
  std::optional<std::string> AsScalarText() const;
};

struct RawMember {
  std::string key;  // decoded
  RawValue value;
};

// An object one level deep. Of equal keys the last one counts, as with most parsers.
struct RawObject {
  std::vector<RawMember> members;

  const RawValue* Find(std::string_view key) const;
};

// OK if `text` is exactly one JSON value (RFC 8259, UTF-8) within the limits. kInvalidArgument says
// "body contains badly-formed JSON (at character N)" or names the limit; kOutOfRange means that
// there are more than bytes_max bytes.
absl::Status Validate(std::string_view text, const Limits& limits);

// The kind of what Validate finds.
Flaw FindFlaw(std::string_view text, const Limits& limits);

// The members of the object that `text` is. All of `text` is checked. Views point into `text`.
absl::StatusOr<RawObject> ScanObject(std::string_view text, const Limits& limits);

// The elements of the array that `text` is, in the same way.
absl::StatusOr<std::vector<RawValue>> ScanArray(std::string_view text, const Limits& limits);

// The value at a dotted path ("a.b.0.c"; numbers index arrays). nullopt if there is none or `text`
// is not JSON within the limits. Does not allocate unless a member's name is written with escapes.
std::optional<RawValue> FindPath(std::string_view text, std::string_view path,
                                 const Limits& limits);
// The same, and whether a member that the path names occurs more than once: other parsers may see
// another value there.
std::optional<RawValue> FindPath(std::string_view text, std::string_view path, const Limits& limits,
                                 bool* is_repeated);

}  // namespace convoy::json

// JSON in its three readings: the scanner that only checks, the values looked at in place, and the
// tree. All three must be of one opinion.
//
// Input: one byte that chooses the limits, a path up to the end of its line, the text.
#include <string>

#include "absl/strings/match.h"

#include "lib/base/text.h"
#include "lib/json/document.h"
#include "lib/json/raw.h"
#include "lib/json/writer.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"

namespace convoy::fuzz {
namespace {

constexpr json::Limits kLimits[] = {
    {}, {.bytes_max = 1024}, {.depth_max = 3}, {.values_max = 10}, {.depth_max = json::kDepthMax}};

bool IsWithin(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void CheckTree(std::string_view text, const json::Limits& limits, bool is_valid) {
  const auto tree = json::Parse(text, limits);
  if (!tree.ok()) {
    Require(!is_valid || absl::StrContains(tree.status().message(), "out of range"),
            "a tree is built of every text that is valid, but for numbers no double can hold");
    return;
  }
  Require(is_valid, "no tree is built of a text that is not valid");
  const std::string again = json::ToText(*tree);
  const auto second = json::Parse(again, {.depth_max = json::kDepthMax});
  Require(second.ok() && json::ToText(*second) == again, "what a tree writes is read the same");
}

void CheckValue(const json::RawValue& value, std::string_view text, const json::Limits& limits) {
  Require(IsWithin(value.text, text), "a value stands within its text");
  Require(json::Validate(value.text, limits).ok(), "a value is JSON by itself");
  const auto string = value.AsString();
  Require(!string.has_value() || base::IsValidUtf8(*string), "a decoded string is UTF-8");
  Require(string.has_value() == (value.type == json::Type::kString), "only strings are decoded");
  value.AsScalarText();
}

// Of the members and elements, and of what a path of one step finds.
void CheckInPlace(std::string_view text, const json::Limits& limits, bool is_valid) {
  const auto object = json::ScanObject(text, limits);
  const auto array = json::ScanArray(text, limits);
  Require(is_valid || (!object.ok() && !array.ok()), "nothing is scanned that is not valid");
  if (object.ok()) {
    for (const json::RawMember& member : object->members) {
      CheckValue(member.value, text, limits);
      if (member.key.empty() || member.key.find('.') != std::string::npos) continue;
      const auto found = json::FindPath(text, member.key, limits);
      Require(found.has_value() && found->text.data() == object->Find(member.key)->text.data(),
              "a path and a scan find the same member");
    }
  }
  if (array.ok()) {
    for (const json::RawValue& element : *array) CheckValue(element, text, limits);
  }
}

void Run(Input& input) {
  const json::Limits& limits = kLimits[input.Byte() % std::size(kLimits)];
  const std::string_view path = input.TextUntil('\n');
  const std::string_view text = input.Rest();
  const absl::Status status = json::Validate(text, limits);
  Require(status.ok() || !status.message().empty(), "an error says what is wrong");
  Require(!status.ok() || base::IsValidUtf8(text), "JSON is UTF-8");
  CheckTree(text, limits, status.ok());
  // Each member is looked for once more, so the work grows with the square of a short text.
  if (text.size() <= 4096) CheckInPlace(text, limits, status.ok());
  const auto found = json::FindPath(text, path, limits);
  Require(!found.has_value() || status.ok(), "nothing is found in a text that is not valid");
  if (found.has_value()) CheckValue(*found, text, limits);

  json::Writer writer;
  writer.String(text);
  const json::RawValue written{.type = json::Type::kString, .text = writer.text()};
  Require(json::Validate(written.text, {}).ok(), "what is written is valid, whatever the text");
  Require(!base::IsValidUtf8(text) || written.AsString() == text, "a text survives its spelling");
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}

// The filter language of include/convoy/filter.h, compiled to a flat list of instructions.
//
// In detail, where that header leaves room:
//   - A plain value matches a field that equals it, and an array that has an element equal to it;
//   $in
//     treats arrays the same way. $eq means the value itself. $neq and $nin are the negations of
//     $eq and $in.
//   - $gt, $gte, $lt, $lte hold only between numbers or strings spelt like numbers. Strings are
//     compared as numbers only if the other side is a number.
//   - With "$" in a path, a condition holds if it holds for some position; where no position has
//   the
//     field, it is missing.
//   - $regex is looked for in a string, in a number as it is spelt, and in the elements of an array
//     that are such; it never holds of others.
//   - null is a value like others: a field that is null is not missing.
//   - An empty nested object says nothing; an empty list of alternatives is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/route/flat_document.h"
#include "lib/route/text_pattern.h"

namespace convoy::route {

// Bounds of a filter; exceeding one is an error when it is compiled.
inline constexpr size_t kFilterBytesMax = 64 * 1024;
inline constexpr size_t kFilterDepthMax = 32;
inline constexpr size_t kFilterConditionsMax = 1000;
inline constexpr size_t kFilterPatternsMax = 32;  // $regex
inline constexpr size_t kFilterPositionsMax = 3;  // "$" in one path

// Steps that one evaluation may take.
inline constexpr uint64_t kFilterStepsMax = 1'000'000;

enum class KeyCase : uint8_t { kSensitive, kLower };  // kLower: for documents with lower-case keys

// Immutable and safe to share between threads.
class FilterProgram {
 public:
  // kInvalidArgument names the key or operator that is wrong.
  static absl::StatusOr<FilterProgram> Compile(std::string_view filter_json, KeyCase key_case);

  bool is_empty() const { return tests_.empty(); }  // matches everything

  // False also when the budget runs out.
  bool Matches(FlatDocument& document, WorkBudget& budget) const;

 private:
  friend class FilterCompiler;
  using Node = FlatDocument::Node;

  enum class Operator : uint8_t {
    kPlain,
    kEq,
    kNeq,
    kGt,
    kGte,
    kLt,
    kLte,
    kIn,
    kNin,
    kExist,
    kRegex
  };

  struct Test {
    Operator op = Operator::kPlain;
    std::vector<std::string> path;
    const Node* operand = nullptr;                         // within filter_
    std::unique_ptr<const TextPattern> pattern = nullptr;  // of $regex
  };

  // A test, or a group of instructions. Groups nest.
  struct Instruction {
    enum class Kind : uint8_t { kAll, kAny, kTest } kind = Kind::kTest;
    uint32_t end = 0;   // the index behind it: of a group, behind its last instruction
    uint32_t test = 0;  // of a test: its index
  };

  explicit FilterProgram(FlatDocument filter) : filter_(std::move(filter)) {}

  static bool Holds(const Test& test, FlatDocument& document, WorkBudget& budget);
  static bool HoldsFor(const Test& test, FlatDocument& document, Node& value, WorkBudget& budget);
  static bool EqualsOrContains(const Node& operand, FlatDocument& document, Node& value,
                               WorkBudget& budget);
  static bool IsFound(const TextPattern& pattern, FlatDocument& document, Node& value,
                      WorkBudget& budget);

  FlatDocument filter_;  // the filter's own text: tests point into it
  std::vector<Instruction> instructions_;
  std::vector<Test> tests_;
};

}  // namespace convoy::route

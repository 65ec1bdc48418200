// Runs a filter's program over a document. No recursion: groups are kept on an explicit stack,
// paths with "$" are walked with another, and every node that is looked at costs a step of the
// budget.

#include "lib/route/filter_program.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace convoy::route {
namespace {

// Digits only: SimpleAtoi alone would take " +1", too.
bool IsIndex(std::string_view segment) {
  return std::all_of(segment.begin(), segment.end(), absl::ascii_isdigit);
}

}  // namespace

bool FilterProgram::Matches(FlatDocument& document, WorkBudget& budget) const {
  absl::InlinedVector<const Instruction*, 16> groups;
  uint32_t at = 0;
  while (true) {
    const Instruction& instruction = instructions_[at];
    bool holds = false;
    if (instruction.kind == Instruction::Kind::kTest) {
      holds = Holds(tests_[instruction.test], document, budget);
    } else if (at + 1 < instruction.end) {
      groups.push_back(&instruction);
      ++at;
      continue;
    } else {
      holds = true;  // an empty object asks for nothing
    }
    if (budget.is_exhausted()) return false;

    // The result decides as many of the groups around it as it can; then the program goes on
    // behind.
    at = instruction.end;
    while (!groups.empty()) {
      const Instruction& group = *groups.back();
      const bool decides = group.kind == Instruction::Kind::kAny ? holds : !holds;
      if (!decides && at < group.end) break;
      at = group.end;
      groups.pop_back();
    }
    if (groups.empty()) return holds;
  }
}

bool FilterProgram::Holds(const Test& test, FlatDocument& document, WorkBudget& budget) {
  struct Place {
    Node* node;
    size_t depth;  // segments of the path already walked
  };
  absl::InlinedVector<Place, 16> places = {{&document.root(), 0}};
  bool is_missing = true;
  while (!places.empty()) {
    const auto [node, depth] = places.back();
    places.pop_back();
    if (!budget.Spend()) return false;
    if (depth == test.path.size()) {
      is_missing = false;
      if (HoldsFor(test, document, *node, budget)) return true;
      continue;
    }
    const std::string& segment = test.path[depth];
    if (node->type == json::Type::kObject) {
      Node* const member = document.FindMember(*node, segment);
      if (member != nullptr) places.push_back({member, depth + 1});
    } else if (node->type == json::Type::kArray) {
      document.Open(*node);
      const std::span<Node> elements = node->children;
      uint32_t index = 0;
      if (segment == "$") {
        if (!budget.Spend(elements.size())) return false;
        for (Node& element : elements) places.push_back({&element, depth + 1});
      } else if (IsIndex(segment) && absl::SimpleAtoi(segment, &index) && index < elements.size()) {
        places.push_back({&elements[index], depth + 1});
      }
    }
  }
  if (!is_missing) return false;
  return test.op == Operator::kNeq || test.op == Operator::kNin ||
         (test.op == Operator::kExist && test.operand->type == json::Type::kFalse);
}

bool FilterProgram::HoldsFor(const Test& test, FlatDocument& document, Node& value,
                             WorkBudget& budget) {
  const Node& operand = *test.operand;
  const bool is_container = value.type == json::Type::kArray || value.type == json::Type::kObject;
  if (!is_container && test.op != Operator::kExist) document.Open(value);
  switch (test.op) {
    case Operator::kPlain:
      return EqualsOrContains(operand, document, value, budget);
    case Operator::kEq:
      return AreEqual(operand, document, value, budget);
    case Operator::kNeq:
      return !AreEqual(operand, document, value, budget) && !budget.is_exhausted();
    case Operator::kGt:
      return value.is_numeric && value.number > operand.number;
    case Operator::kGte:
      return value.is_numeric && value.number >= operand.number;
    case Operator::kLt:
      return value.is_numeric && value.number < operand.number;
    case Operator::kLte:
      return value.is_numeric && value.number <= operand.number;
    case Operator::kIn:
    case Operator::kNin:
      for (const Node& candidate : operand.children) {
        if (EqualsOrContains(candidate, document, value, budget)) return test.op == Operator::kIn;
      }
      return test.op == Operator::kNin && !budget.is_exhausted();
    case Operator::kExist:
      return operand.type == json::Type::kTrue;
    case Operator::kRegex:
      return IsFound(*test.pattern, document, value, budget);
  }
  return false;
}

bool FilterProgram::EqualsOrContains(const Node& operand, FlatDocument& document, Node& value,
                                     WorkBudget& budget) {
  if (AreEqual(operand, document, value, budget)) return true;
  if (value.type != json::Type::kArray) return false;
  document.Open(value);
  for (Node& element : value.children) {
    if (AreEqual(operand, document, element, budget)) return true;
    if (budget.is_exhausted()) return false;
  }
  return false;
}

bool FilterProgram::IsFound(const TextPattern& pattern, FlatDocument& document, Node& value,
                            WorkBudget& budget) {
  // A step's worth of a search: so many instructions, each looked at for one byte.
  constexpr uint64_t kLooksPerStep = 64;
  const auto is_in = [&](Node& node) {
    document.Open(node);
    const bool is_number = node.type == json::Type::kNumber;
    if (node.type != json::Type::kString && !is_number) return false;
    const std::string_view text = is_number ? node.spelling : node.text;
    return budget.Spend(1 + text.size() * pattern.size() / kLooksPerStep) && pattern.IsIn(text);
  };
  if (value.type != json::Type::kArray) return is_in(value);
  document.Open(value);
  for (Node& element : value.children) {
    const bool is_container =
        element.type == json::Type::kArray || element.type == json::Type::kObject;
    if (!is_container && is_in(element)) return true;
    if (budget.is_exhausted()) return false;
  }
  return false;
}

}  // namespace convoy::route

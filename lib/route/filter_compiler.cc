// Compiler from the text of a filter to its program. The filter is parsed like any document and
// walked with an explicit stack: a frame for each object or list of alternatives that is being
// read. Every limit and every misspelling is found here, so that evaluation has nothing to refuse.

#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "lib/base/status_macros.h"
#include "lib/route/filter_program.h"

namespace convoy::route {

class FilterCompiler {
 public:
  FilterCompiler(FlatDocument filter, KeyCase key_case)
      : key_case_(key_case), program_(std::move(filter)) {}

  absl::StatusOr<FilterProgram> Compile();

 private:
  using Node = FlatDocument::Node;
  using Operator = FilterProgram::Operator;
  using Kind = FilterProgram::Instruction::Kind;

  struct Frame {
    std::span<const Node> children;  // members of an object, or the alternatives of a list
    bool is_list = false;
    size_t next = 0;
    size_t path_size = 0;  // of path_ while a child of this frame is read
    uint32_t instruction = 0;
  };

  absl::Status AddChild(const Node& child, bool is_alternative);
  absl::Status AddOperator(const Node& member);
  absl::Status AddTest(Operator op, const Node& operand);
  absl::Status ExtendPath(std::string_view key);
  void Open(const Node& container, Kind kind);
  absl::Status Refuse(std::string_view what) const;

  const KeyCase key_case_;
  FilterProgram program_;
  std::vector<Frame> frames_;
  std::vector<std::string> path_;
  size_t patterns_count_ = 0;
};

namespace {

bool IsOperator(std::string_view key) { return key.size() > 1 && key[0] == '$' && key[1] != '.'; }

bool IsBoolean(const FlatDocument::Node& node) {
  return node.type == json::Type::kTrue || node.type == json::Type::kFalse;
}

}  // namespace

absl::Status FilterCompiler::Refuse(std::string_view what) const {
  return absl::InvalidArgumentError(
      path_.empty() ? absl::StrCat("filter: ", what)
                    : absl::StrCat("filter: ", what, " at \"", absl::StrJoin(path_, "."), "\""));
}

absl::StatusOr<FilterProgram> FilterCompiler::Compile() {
  const Node& root = program_.filter_.root();
  if (root.type != json::Type::kObject) return Refuse("must be a JSON object");
  Open(root, Kind::kAll);
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    path_.resize(frame.path_size);
    if (frame.next == frame.children.size()) {
      program_.instructions_[frame.instruction].end =
          static_cast<uint32_t>(program_.instructions_.size());
      frames_.pop_back();
      continue;
    }
    // The frame may move when a child opens another.
    const Node& child = frame.children[frame.next++];
    CONVOY_RETURN_IF_ERROR(AddChild(child, frame.is_list));
  }
  return std::move(program_);
}

absl::Status FilterCompiler::AddChild(const Node& child, bool is_alternative) {
  if (is_alternative) {
    if (child.type != json::Type::kObject) return Refuse("$or and $and take a list of objects");
    Open(child, Kind::kAll);
    return absl::OkStatus();
  }
  if (IsOperator(child.key)) return AddOperator(child);
  CONVOY_RETURN_IF_ERROR(ExtendPath(child.key));
  if (child.type == json::Type::kObject) {
    Open(child, Kind::kAll);
    return absl::OkStatus();
  }
  return AddTest(Operator::kPlain, child);
}

absl::Status FilterCompiler::AddOperator(const Node& member) {
  static constexpr struct {
    std::string_view name;
    Operator op;
  } kOperators[] = {
      {"$eq", Operator::kEq},       {"$neq", Operator::kNeq}, {"$gt", Operator::kGt},
      {"$gte", Operator::kGte},     {"$lt", Operator::kLt},   {"$lte", Operator::kLte},
      {"$in", Operator::kIn},       {"$nin", Operator::kNin}, {"$exist", Operator::kExist},
      {"$regex", Operator::kRegex},
  };
  if (member.key == "$or" || member.key == "$and") {
    if (member.type != json::Type::kArray || member.children.empty()) {
      return Refuse(absl::StrCat(member.key, " takes a list of at least one object"));
    }
    Open(member, member.key == "$or" ? Kind::kAny : Kind::kAll);
    return absl::OkStatus();
  }
  for (const auto& known : kOperators) {
    if (member.key == known.name) return AddTest(known.op, member);
  }
  return Refuse(absl::StrCat("unknown operator \"", member.key, "\""));
}

absl::Status FilterCompiler::AddTest(Operator op, const Node& operand) {
  if (path_.empty()) return Refuse(absl::StrCat("operator \"", operand.key, "\" needs a field"));
  if (path_.back() == "$") return Refuse("a path must not end in \"$\"");
  switch (op) {
    case Operator::kGt:
    case Operator::kGte:
    case Operator::kLt:
    case Operator::kLte:
      if (!operand.is_numeric) return Refuse(absl::StrCat(operand.key, " takes a number"));
      break;
    case Operator::kIn:
    case Operator::kNin:
      if (operand.type != json::Type::kArray) {
        return Refuse(absl::StrCat(operand.key, " takes a list"));
      }
      break;
    case Operator::kExist:
      if (!IsBoolean(operand)) return Refuse("$exist takes true or false");
      break;
    case Operator::kRegex:
      if (operand.type != json::Type::kString) return Refuse("$regex takes a text");
      break;
    case Operator::kPlain:
    case Operator::kEq:
    case Operator::kNeq:
      break;
  }
  if (program_.tests_.size() == kFilterConditionsMax) {
    return Refuse(absl::StrCat("more than ", kFilterConditionsMax, " conditions"));
  }
  std::unique_ptr<const TextPattern> pattern;
  if (op == Operator::kRegex) {
    if (++patterns_count_ > kFilterPatternsMax) {
      return Refuse(absl::StrCat("more than ", kFilterPatternsMax, " $regex"));
    }
    std::string error;
    pattern = TextPattern::Compile(operand.text, &error);
    if (pattern == nullptr) return Refuse(absl::StrCat("operator \"$regex\" ", error));
  }
  const auto next = static_cast<uint32_t>(program_.instructions_.size());
  program_.instructions_.push_back({.kind = Kind::kTest,
                                    .end = next + 1,
                                    .test = static_cast<uint32_t>(program_.tests_.size())});
  program_.tests_.push_back(
      {.op = op, .path = path_, .operand = &operand, .pattern = std::move(pattern)});
  return absl::OkStatus();
}

absl::Status FilterCompiler::ExtendPath(std::string_view key) {
  size_t positions = 0;
  for (const std::string_view segment : absl::StrSplit(key, '.')) {
    if (segment.empty()) return Refuse(absl::StrCat("empty name in \"", key, "\""));
    if (IsOperator(segment)) {
      return Refuse(absl::StrCat("operator \"", segment, "\" within a name"));
    }
    path_.push_back(key_case_ == KeyCase::kLower ? absl::AsciiStrToLower(segment)
                                                 : std::string(segment));
  }
  for (const std::string& segment : path_) positions += segment == "$" ? 1 : 0;
  if (positions > kFilterPositionsMax) return Refuse("more than three \"$\" in a path");
  if (path_.size() > kFilterDepthMax) return Refuse("path is too deep");
  return absl::OkStatus();
}

void FilterCompiler::Open(const Node& container, Kind kind) {
  frames_.push_back({.children = container.children,
                     .is_list = container.type == json::Type::kArray,
                     .path_size = path_.size(),
                     .instruction = static_cast<uint32_t>(program_.instructions_.size())});
  program_.instructions_.push_back({.kind = kind});
}

absl::StatusOr<FilterProgram> FilterProgram::Compile(std::string_view filter_json,
                                                     KeyCase key_case) {
  if (filter_json.empty()) filter_json = "{}";
  std::optional<FlatDocument> filter =
      FlatDocument::Parse(filter_json, {.bytes_max = kFilterBytesMax,
                                        .depth_max = kFilterDepthMax,
                                        .values_max = 8 * kFilterConditionsMax});
  if (!filter.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("filter: not JSON, or beyond ", kFilterBytesMax,
                                                   " bytes or ", kFilterDepthMax, " levels"));
  }
  return FilterCompiler(*std::move(filter), key_case).Compile();
}

}  // namespace convoy::route

// A JSON text as a flat array of nodes, made for looking things up: members are sorted by key, so a
// field of an object with a hundred thousand members costs no more than seventeen comparisons.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/json/limits.h"
#include "lib/json/raw.h"

namespace convoy::route {

// Counts down the steps that an evaluation may still take.
class WorkBudget {
 public:
  explicit WorkBudget(uint64_t steps) : steps_left_(steps) {}

  // False once the budget is used up, and from then on.
  bool Spend(uint64_t steps = 1) {
    if (steps > steps_left_) {
      steps_left_ = 0;
      is_exhausted_ = true;
    } else {
      steps_left_ -= steps;
    }
    return !is_exhausted_;
  }
  bool is_exhausted() const { return is_exhausted_; }
  uint64_t steps_left() const { return steps_left_; }

 private:
  uint64_t steps_left_;
  bool is_exhausted_ = false;
};

class FlatDocument {
 public:
  struct Node {
    json::Type type = json::Type::kNull;
    bool is_numeric = false;  // a number, or a string spelt like one
    double number = 0;        // of a numeric node; beyond the range of double: infinite
    std::string_view key;     // of a member, decoded
    std::string_view text;    // of a string, decoded
    uint32_t first_child = 0;
    uint32_t children_count = 0;
  };

  // nullopt if `text` is not one JSON value (UTF-8, RFC 8259) within the limits. Of equal keys the
  // last one counts.
  static std::optional<FlatDocument> Parse(std::string_view text, const json::Limits& limits);

  // Views point into the document's own storage, which moves along but must not be copied.
  FlatDocument(FlatDocument&&) = default;
  FlatDocument& operator=(FlatDocument&&) = default;
  FlatDocument(const FlatDocument&) = delete;
  FlatDocument& operator=(const FlatDocument&) = delete;

  const Node& root() const { return root_; }
  std::span<const Node> children(const Node& node) const {
    return std::span<const Node>(nodes_).subspan(node.first_child, node.children_count);
  }

  // nullptr if `node` is not an object or has no such member.
  const Node* FindMember(const Node& node, std::string_view key) const;

 private:
  friend class FlatBuilder;
  FlatDocument() = default;

  Node root_;
  std::vector<Node> nodes_;
  std::vector<char> characters_;  // reserved once: views into it stay valid
};

// Whether two values are equal: numbers and numeric strings as doubles if at least one side is a
// number, objects whatever the order of their members. Steps are taken from `budget`; when it runs
// out the answer is false.
bool AreEqual(const FlatDocument& a_document, const FlatDocument::Node& a,
              const FlatDocument& b_document, const FlatDocument::Node& b, WorkBudget& budget);

// The number that `text` spells by the grammar of JSON; nullopt if it spells none.
std::optional<double> ParseNumber(std::string_view text);

}  // namespace convoy::route

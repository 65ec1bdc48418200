// A JSON text as nodes, made for looking things up: members are sorted by key, so a field of an
// object with a hundred thousand members costs no more than seventeen comparisons.
//
// A node is opened when it is first looked into. So a filter costs what it asks for, and what else
// an event's body holds need not even be JSON (lib/json/skim.h).
#pragma once

#include <cstdint>
#include <deque>
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
    bool is_open = false;       // what follows has been read
    bool is_broken = false;     // a container that stops being readable behind its children
    bool is_numeric = false;    // a number, or a string spelt like one
    double number = 0;          // of a numeric node; beyond the range of double: infinite
    std::string_view key;       // of a member, decoded
    std::string_view text;      // of a string, decoded
    std::string_view spelling;  // as it stands in the document
    std::span<Node> children;   // members sorted by key, of equal keys the last; or elements
  };

  // A document of its own, opened in full; nullopt if `text` is not one JSON value (UTF-8,
  // RFC 8259) within the limits. Nothing changes in it any more: threads may share it.
  static std::optional<FlatDocument> Parse(std::string_view text, const json::Limits& limits);
  // Borrows `text`, of which the first value counts; nullopt if there is none. Of one thread.
  static std::optional<FlatDocument> Borrow(std::string_view text);

  // Views point into the document's own storage, which moves along but must not be copied.
  FlatDocument(FlatDocument&&) = default;
  FlatDocument& operator=(FlatDocument&&) = default;
  FlatDocument(const FlatDocument&) = delete;
  FlatDocument& operator=(const FlatDocument&) = delete;

  Node& root() { return root_.front(); }
  const Node& root() const { return root_.front(); }

  // Reads a node's text, number or children; later calls cost nothing.
  void Open(Node& node);

  // nullptr if `node` is not an object or has no such member.
  Node* FindMember(Node& node, std::string_view key);

  // Whether something that was looked for could not be told, because the text is not JSON there.
  bool is_unreadable() const { return is_unreadable_; }

 private:
  FlatDocument() = default;

  void OpenContainer(Node& node);
  std::string_view Decode(std::string_view spelling);

  std::vector<char> characters_;          // of a document of its own
  std::deque<std::string> decoded_;       // keys and texts that are written with escapes
  std::deque<std::vector<Node>> blocks_;  // children; a block never changes its size
  std::vector<Node> root_;                // one, which stays where it is
  bool is_unreadable_ = false;
};

// Whether two values are equal: numbers and numeric strings as doubles if at least one side is a
// number, objects whatever the order of their members. `a` is open in full. Steps are taken from
// `budget`; when it runs out the answer is false.
bool AreEqual(const FlatDocument::Node& a, FlatDocument& b_document, FlatDocument::Node& b,
              WorkBudget& budget);

// The number that `text` spells by the grammar of JSON; nullopt if it spells none.
std::optional<double> ParseNumber(std::string_view text);

}  // namespace convoy::route

// A container is read child by child into a block of nodes; its grandchildren stay text until they
// are looked into themselves. Deep input costs no machine stack.

#include "lib/route/flat_document.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

#include "lib/json/skim.h"

namespace convoy::route {

using Node = FlatDocument::Node;

namespace {

// Children of one container. Beyond it an event's body is too wide to be looked into.
constexpr size_t kChildrenMax = 500'000;

}  // namespace

std::optional<double> ParseNumber(std::string_view text) {
  size_t at = 0;
  const auto skip_digits = [&] {
    const size_t first = at;
    while (at < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) ++at;
    return at - first;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool has_leading_zero = at < text.size() && text[at] == '0';
  const size_t integer_digits = skip_digits();
  if (integer_digits == 0 || (has_leading_zero && integer_digits > 1)) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (skip_digits() == 0) return std::nullopt;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (skip_digits() == 0) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) return std::nullopt;
  return number;
}

std::optional<FlatDocument> FlatDocument::Borrow(std::string_view text) {
  const json::Place place = json::Look(text, "");
  if (!place.is_found()) return std::nullopt;
  FlatDocument document;
  document.root_.push_back({.type = place.value.type, .spelling = place.value.text});
  return document;
}

std::optional<FlatDocument> FlatDocument::Parse(std::string_view text, const json::Limits& limits) {
  if (!json::Validate(text, limits).ok()) return std::nullopt;
  std::vector<char> characters(text.begin(), text.end());
  std::optional<FlatDocument> document = Borrow({characters.data(), characters.size()});
  if (!document.has_value()) return std::nullopt;
  document->characters_ = std::move(characters);
  std::vector<Node*> waiting = {&document->root()};
  while (!waiting.empty()) {
    Node& node = *waiting.back();
    waiting.pop_back();
    document->Open(node);
    for (Node& child : node.children) waiting.push_back(&child);
  }
  return document;
}

std::string_view FlatDocument::Decode(std::string_view spelling) {
  if (spelling.find('\\') == std::string_view::npos) {
    return spelling.substr(1, spelling.size() - 2);
  }
  std::optional<std::string> decoded =
      json::RawValue{.type = json::Type::kString, .text = spelling}.AsString();
  if (!decoded.has_value()) is_unreadable_ = true;
  decoded_.push_back(std::move(decoded).value_or(""));
  return decoded_.back();
}

void FlatDocument::Open(Node& node) {
  if (node.is_open) return;
  node.is_open = true;
  switch (node.type) {
    case json::Type::kNumber:
      node.is_numeric = true;
      node.number = ParseNumber(node.spelling).value_or(0);  // its grammar has been checked
      return;
    case json::Type::kString:
      node.text = Decode(node.spelling);
      if (const std::optional<double> number = ParseNumber(node.text)) {
        node.is_numeric = true;
        node.number = *number;
      }
      return;
    case json::Type::kArray:
    case json::Type::kObject:
      return OpenContainer(node);
    case json::Type::kJunk:
      is_unreadable_ = true;
      return;
    case json::Type::kNull:
    case json::Type::kFalse:
    case json::Type::kTrue:
      return;
  }
}

void FlatDocument::OpenContainer(Node& node) {
  std::vector<Node> children;
  json::Skimmer skimmer({.type = node.type, .text = node.spelling});
  while (children.size() < kChildrenMax && skimmer.Next()) {
    Node child{.type = skimmer.value().type, .spelling = skimmer.value().text};
    if (node.type == json::Type::kObject) child.key = Decode(skimmer.key());
    children.push_back(child);
  }
  node.is_broken = skimmer.is_broken() || children.size() == kChildrenMax;
  if (node.type == json::Type::kObject) {
    std::stable_sort(children.begin(), children.end(),
                     [](const Node& a, const Node& b) { return a.key < b.key; });
    // Of equal keys keep the last: unique() keeps the first, so it runs from the far end.
    const auto kept = std::unique(children.rbegin(), children.rend(),
                                  [](const Node& a, const Node& b) { return a.key == b.key; });
    children.erase(children.begin(), kept.base());
  }
  blocks_.push_back(std::move(children));
  node.children = blocks_.back();
}

Node* FlatDocument::FindMember(Node& node, std::string_view key) {
  if (node.type != json::Type::kObject) return nullptr;
  Open(node);
  const auto found = std::lower_bound(
      node.children.begin(), node.children.end(), key,
      [](const Node& member, std::string_view wanted) { return member.key < wanted; });
  if (found != node.children.end() && found->key == key) return &*found;
  is_unreadable_ |= node.is_broken;
  return nullptr;
}

bool AreEqual(const Node& a, FlatDocument& b_document, Node& b, WorkBudget& budget) {
  // Operands are scalars nearly always: the vector does not allocate before its first push.
  std::vector<std::pair<const Node*, Node*>> rest;
  const Node* left = &a;
  Node* right = &b;
  while (true) {
    if (!budget.Spend()) return false;
    const bool is_container =
        right->type == json::Type::kArray || right->type == json::Type::kObject;
    // Nothing but a container of the same type is compared by what it holds.
    if (!is_container || left->type == right->type) b_document.Open(*right);
    const bool is_number = left->type == json::Type::kNumber || right->type == json::Type::kNumber;
    if (is_number) {
      if (!left->is_numeric || !right->is_numeric || left->number != right->number) return false;
    } else {
      // Member lists are sorted, so equal objects have equal keys at equal positions.
      if (left->type != right->type || left->text != right->text ||
          left->children.size() != right->children.size()) {
        return false;
      }
      for (size_t i = 0; i < left->children.size(); ++i) {
        if (!budget.Spend() || left->children[i].key != right->children[i].key) return false;
        rest.emplace_back(&left->children[i], &right->children[i]);
      }
    }
    if (rest.empty()) return true;
    std::tie(left, right) = rest.back();
    rest.pop_back();
  }
}

}  // namespace convoy::route

// Builds flat documents from the tokens of a scanner. Values wait on a stack until their container
// ends and then move, side by side, into the array of nodes: a container's children are contiguous,
// and deep input costs no machine stack.

#include "lib/route/flat_document.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

#include "lib/json/scanner.h"

namespace convoy::route {

using Node = FlatDocument::Node;

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

class FlatBuilder {
 public:
  explicit FlatBuilder(size_t text_size) {
    // A decoded string is never longer than its spelling, so this never grows.
    document_.characters_.reserve(text_size);
  }

  // False if the token's text cannot be decoded.
  bool Add(json::Token token, std::string_view text);

  FlatDocument Take() {
    document_.root_ = waiting_.front();
    return std::move(document_);
  }

 private:
  struct OpenContainer {
    size_t first_waiting;
    std::string_view key;
  };

  std::optional<std::string_view> Decode(std::string_view spelling);
  bool AddString(std::string_view spelling);
  void AddNode(Node node) {
    node.key = std::exchange(next_key_, {});
    waiting_.push_back(node);
  }
  void Close(json::Type type);

  FlatDocument document_;
  std::vector<Node> waiting_;  // values whose container is still open
  std::vector<OpenContainer> open_;
  std::string_view next_key_;
};

bool FlatBuilder::Add(json::Token token, std::string_view text) {
  switch (token) {
    case json::Token::kNull:
      AddNode({.type = json::Type::kNull});
      return true;
    case json::Token::kFalse:
      AddNode({.type = json::Type::kFalse});
      return true;
    case json::Token::kTrue:
      AddNode({.type = json::Type::kTrue});
      return true;
    case json::Token::kNumber:
      AddNode({.type = json::Type::kNumber,
               .is_numeric = true,
               .number = ParseNumber(text).value_or(0)});  // the scanner has checked the grammar
      return true;
    case json::Token::kString:
      return AddString(text);
    case json::Token::kKey: {
      const std::optional<std::string_view> key = Decode(text);
      next_key_ = key.value_or("");
      return key.has_value();
    }
    case json::Token::kBeginArray:
    case json::Token::kBeginObject:
      open_.push_back({.first_waiting = waiting_.size(), .key = std::exchange(next_key_, {})});
      return true;
    case json::Token::kEndArray:
      Close(json::Type::kArray);
      return true;
    case json::Token::kEndObject:
      Close(json::Type::kObject);
      return true;
    case json::Token::kEnd:
    case json::Token::kError:
      break;
  }
  return false;
}

std::optional<std::string_view> FlatBuilder::Decode(std::string_view spelling) {
  std::vector<char>& characters = document_.characters_;
  const size_t first = characters.size();
  if (spelling.find('\\') == std::string_view::npos) {
    characters.insert(characters.end(), spelling.begin() + 1, spelling.end() - 1);
  } else {
    const std::optional<std::string> decoded =
        json::RawValue{.type = json::Type::kString, .text = spelling}.AsString();
    if (!decoded.has_value()) return std::nullopt;
    characters.insert(characters.end(), decoded->begin(), decoded->end());
  }
  return std::string_view(characters.data() + first, characters.size() - first);
}

bool FlatBuilder::AddString(std::string_view spelling) {
  const std::optional<std::string_view> text = Decode(spelling);
  if (!text.has_value()) return false;
  const std::optional<double> number = ParseNumber(*text);
  AddNode({.type = json::Type::kString,
           .is_numeric = number.has_value(),
           .number = number.value_or(0),
           .text = *text});
  return true;
}

void FlatBuilder::Close(json::Type type) {
  const OpenContainer container = open_.back();
  open_.pop_back();
  const auto first = waiting_.begin() + static_cast<ptrdiff_t>(container.first_waiting);
  if (type == json::Type::kObject) {
    std::stable_sort(first, waiting_.end(),
                     [](const Node& a, const Node& b) { return a.key < b.key; });
    // Of equal keys keep the last: unique() keeps the first, so it runs from the far end.
    const auto kept = std::unique(waiting_.rbegin(), std::make_reverse_iterator(first),
                                  [](const Node& a, const Node& b) { return a.key == b.key; });
    waiting_.erase(first, kept.base());
  }
  const Node node{.type = type,
                  .first_child = static_cast<uint32_t>(document_.nodes_.size()),
                  .children_count = static_cast<uint32_t>(waiting_.end() - first)};
  document_.nodes_.insert(document_.nodes_.end(), first, waiting_.end());
  waiting_.erase(first, waiting_.end());
  next_key_ = container.key;
  AddNode(node);
}

std::optional<FlatDocument> FlatDocument::Parse(std::string_view text, const json::Limits& limits) {
  if (text.size() > limits.bytes_max) return std::nullopt;
  json::Scanner scanner(text, limits);
  FlatBuilder builder(text.size());
  while (true) {
    const json::Token token = scanner.Next();
    if (token == json::Token::kEnd) return builder.Take();
    if (!builder.Add(token, scanner.token_text())) return std::nullopt;
  }
}

const Node* FlatDocument::FindMember(const Node& node, std::string_view key) const {
  if (node.type != json::Type::kObject) return nullptr;
  const std::span<const Node> members = children(node);
  const auto found = std::lower_bound(
      members.begin(), members.end(), key,
      [](const Node& member, std::string_view wanted) { return member.key < wanted; });
  if (found == members.end() || found->key != key) return nullptr;
  return &*found;
}

bool AreEqual(const FlatDocument& a_document, const Node& a, const FlatDocument& b_document,
              const Node& b, WorkBudget& budget) {
  // Operands are scalars nearly always: the vector does not allocate before its first push.
  std::vector<std::pair<const Node*, const Node*>> rest;
  const Node* left = &a;
  const Node* right = &b;
  while (true) {
    if (!budget.Spend()) return false;
    const bool is_number = left->type == json::Type::kNumber || right->type == json::Type::kNumber;
    if (is_number) {
      if (!left->is_numeric || !right->is_numeric || left->number != right->number) return false;
    } else {
      // Member lists are sorted, so equal objects have equal keys at equal positions.
      if (left->type != right->type || left->text != right->text ||
          left->children_count != right->children_count) {
        return false;
      }
      for (uint32_t i = 0; i < left->children_count; ++i) {
        const Node& left_child = a_document.children(*left)[i];
        const Node& right_child = b_document.children(*right)[i];
        if (!budget.Spend() || left_child.key != right_child.key) return false;
        rest.emplace_back(&left_child, &right_child);
      }
    }
    if (rest.empty()) return true;
    std::tie(left, right) = rest.back();
    rest.pop_back();
  }
}

}  // namespace convoy::route

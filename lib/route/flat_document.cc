// Builds flat documents with RapidJSON's iterative SAX reader. Values wait on a stack until their
// container ends and then move, side by side, into the array of nodes: a container's children are
// contiguous, and deep input costs no machine stack.

#include "lib/route/flat_document.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

#include "lib/json/rapidjson.h"

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

// The handler of the SAX reader: returning false ends the parse.
class FlatBuilder {
 public:
  FlatBuilder(size_t text_size, const json::Limits& limits) : limits_(limits) {
    // A decoded string is never longer than its spelling, so this never grows.
    document_.characters_.reserve(text_size);
  }

  bool Null() { return Add({.type = json::Type::kNull}); }
  bool Bool(bool value) { return Add({.type = value ? json::Type::kTrue : json::Type::kFalse}); }
  bool RawNumber(const char* text, unsigned size, bool) {
    // The reader has checked the grammar already.
    return Add({.type = json::Type::kNumber,
                .is_numeric = true,
                .number = ParseNumber({text, size}).value_or(0)});
  }
  bool String(const char* text, unsigned size, bool) {
    const std::optional<double> number = ParseNumber({text, size});
    return Add({.type = json::Type::kString,
                .is_numeric = number.has_value(),
                .number = number.value_or(0),
                .text = Keep({text, size})});
  }
  bool Key(const char* text, unsigned size, bool) {
    next_key_ = Keep({text, size});
    return true;
  }
  bool StartObject() { return Open(); }
  bool StartArray() { return Open(); }
  bool EndObject(unsigned) {
    const auto first = waiting_.begin() + static_cast<ptrdiff_t>(open_.back().first_waiting);
    std::stable_sort(first, waiting_.end(),
                     [](const Node& a, const Node& b) { return a.key < b.key; });
    // Of equal keys keep the last: unique() keeps the first, so it runs from the far end.
    const auto kept = std::unique(waiting_.rbegin(), std::make_reverse_iterator(first),
                                  [](const Node& a, const Node& b) { return a.key == b.key; });
    waiting_.erase(first, kept.base());
    return Close(json::Type::kObject);
  }
  bool EndArray(unsigned) { return Close(json::Type::kArray); }

  // Not called with numbers read as strings; the reader's interface wants them.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

  FlatDocument Take() {
    document_.root_ = waiting_.front();
    return std::move(document_);
  }

 private:
  struct OpenContainer {
    size_t first_waiting;
    std::string_view key;
  };

  std::string_view Keep(std::string_view text) {
    std::vector<char>& characters = document_.characters_;
    const size_t first = characters.size();
    characters.insert(characters.end(), text.begin(), text.end());
    return {characters.data() + first, text.size()};
  }

  bool Add(Node node) {
    if (++values_count_ > limits_.values_max) return false;
    node.key = std::exchange(next_key_, {});
    waiting_.push_back(node);
    return true;
  }

  bool Open() {
    if (open_.size() >= limits_.depth_max) return false;
    open_.push_back({.first_waiting = waiting_.size(), .key = std::exchange(next_key_, {})});
    return true;
  }

  bool Close(json::Type type) {
    const OpenContainer container = open_.back();
    open_.pop_back();
    const auto first = waiting_.begin() + static_cast<ptrdiff_t>(container.first_waiting);
    Node node{.type = type,
              .first_child = static_cast<uint32_t>(document_.nodes_.size()),
              .children_count = static_cast<uint32_t>(waiting_.end() - first)};
    document_.nodes_.insert(document_.nodes_.end(), first, waiting_.end());
    waiting_.erase(first, waiting_.end());
    next_key_ = container.key;
    return Add(node);
  }

  const json::Limits limits_;
  FlatDocument document_;
  std::vector<Node> waiting_;  // values whose container is still open
  std::vector<OpenContainer> open_;
  std::string_view next_key_;
  size_t values_count_ = 0;
};

std::optional<FlatDocument> FlatDocument::Parse(std::string_view text, const json::Limits& limits) {
  namespace rapidjson = json::rapidjson;
  if (text.size() > limits.bytes_max) return std::nullopt;
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag |
                              rapidjson::kParseNumbersAsStringsFlag |
                              rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  FlatBuilder builder(text.size(), limits);
  if (reader.Parse<kFlags>(stream, builder).IsError()) return std::nullopt;
  // A NUL byte looks like the end of the text to the reader.
  if (stream.Tell() != text.size()) return std::nullopt;
  return builder.Take();
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

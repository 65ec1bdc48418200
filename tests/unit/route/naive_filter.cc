// Naive interpreter of filters; see naive_filter.h.
#include "tests/unit/route/naive_filter.h"

#include <optional>
#include <string>
#include <vector>

#include "lib/json/rapidjson.h"

namespace convoy::testing {
namespace {

namespace rapidjson = json::rapidjson;
using Value = rapidjson::Value;
using Segments = std::vector<std::string>;

std::string TextOf(const Value& value) { return {value.GetString(), value.GetStringLength()}; }

std::optional<double> NumberOf(const Value& value) {
  if (value.IsNumber()) return value.GetDouble();
  if (!value.IsString() || TextOf(value).find_first_of(" \t\r\n") != std::string::npos) {
    return std::nullopt;
  }
  rapidjson::Document spelt;
  spelt.Parse(value.GetString(), value.GetStringLength());
  if (spelt.HasParseError() || !spelt.IsNumber()) return std::nullopt;
  return spelt.GetDouble();
}

bool Equal(const Value& a, const Value& b) {
  if (a.IsNumber() || b.IsNumber()) {
    const auto x = NumberOf(a);
    const auto y = NumberOf(b);
    return x && y && *x == *y;
  }
  if (a.GetType() != b.GetType()) return false;
  if (a.IsString()) return TextOf(a) == TextOf(b);
  if (a.IsArray()) {
    if (a.Size() != b.Size()) return false;
    for (unsigned i = 0; i < a.Size(); ++i) {
      if (!Equal(a[i], b[i])) return false;
    }
  }
  if (a.IsObject()) {
    if (a.MemberCount() != b.MemberCount()) return false;
    for (const auto& member : a.GetObject()) {
      const auto other = b.FindMember(member.name);
      if (other == b.MemberEnd() || !Equal(member.value, other->value)) return false;
    }
  }
  return true;
}

bool EqualOrContains(const Value& operand, const Value& value) {
  if (Equal(operand, value)) return true;
  if (!value.IsArray()) return false;
  for (const Value& element : value.GetArray()) {
    if (Equal(operand, element)) return true;
  }
  return false;
}

void Collect(const Value& value, const Segments& path, size_t depth,
             std::vector<const Value*>& out_values) {
  if (depth == path.size()) {
    out_values.push_back(&value);
    return;
  }
  const std::string& segment = path[depth];
  if (value.IsObject()) {
    const auto member = value.FindMember(segment.c_str());
    if (member != value.MemberEnd()) Collect(member->value, path, depth + 1, out_values);
  } else if (value.IsArray()) {
    for (unsigned i = 0; i < value.Size(); ++i) {
      if (segment == "$" || segment == std::to_string(i)) {
        Collect(value[i], path, depth + 1, out_values);
      }
    }
  }
}

bool Condition(const std::string& op, const Value& operand, const Value& value) {
  if (op == "") return EqualOrContains(operand, value);
  if (op == "$eq") return Equal(operand, value);
  if (op == "$neq") return !Equal(operand, value);
  if (op == "$exist") return operand.GetBool();
  if (op == "$in" || op == "$nin") {
    bool is_in = false;
    for (const Value& candidate : operand.GetArray()) is_in |= EqualOrContains(candidate, value);
    return is_in == (op == "$in");
  }
  if (op == "$regex") {  // "x" or "^$"
    const auto is_in = [&](const Value& text) {
      if (!text.IsString()) return false;
      return TextOf(operand) == "x" ? TextOf(text).find('x') != std::string::npos
                                    : TextOf(text).empty();
    };
    if (!value.IsArray()) return is_in(value);
    bool is_found = false;
    for (const Value& element : value.GetArray()) is_found |= is_in(element);
    return is_found;
  }
  const auto x = NumberOf(value);
  if (!x) return false;
  const double y = *NumberOf(operand);
  if (op == "$gt") return *x > y;
  if (op == "$gte") return *x >= y;
  if (op == "$lt") return *x < y;
  return *x <= y;
}

bool Test(const std::string& op, const Value& operand, const Segments& path,
          const Value& document) {
  std::vector<const Value*> values;
  Collect(document, path, 0, values);
  if (values.empty()) {
    return op == "$neq" || op == "$nin" || (op == "$exist" && !operand.GetBool());
  }
  for (const Value* value : values) {
    if (Condition(op, operand, *value)) return true;
  }
  return false;
}

bool Object(const Value& filter, const Segments& path, const Value& document) {
  bool all = true;
  for (const auto& member : filter.GetObject()) {
    const std::string key = TextOf(member.name);
    if (key == "$or" || key == "$and") {
      bool any = false;
      bool every = true;
      for (const Value& alternative : member.value.GetArray()) {
        const bool holds = Object(alternative, path, document);
        any |= holds;
        every &= holds;
      }
      all &= key == "$or" ? any : every;
    } else if (key[0] == '$' && key.size() > 1 && key[1] != '.') {
      all &= Test(key, member.value, path, document);
    } else {
      Segments longer = path;
      size_t first = 0;
      for (size_t dot; (dot = key.find('.', first)) != std::string::npos; first = dot + 1) {
        longer.push_back(key.substr(first, dot - first));
      }
      longer.push_back(key.substr(first));
      all &= member.value.IsObject() ? Object(member.value, longer, document)
                                     : Test("", member.value, longer, document);
    }
  }
  return all;
}

}  // namespace

bool NaiveFilterMatches(std::string_view filter, std::string_view document) {
  rapidjson::Document filter_tree;
  filter_tree.Parse(filter.data(), filter.size());
  rapidjson::Document document_tree;
  document_tree.Parse(document.data(), document.size());
  return Object(filter_tree, {}, document_tree);
}

}  // namespace convoy::testing

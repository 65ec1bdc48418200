// The document is a file of the operator's, but another program made it. It is read without
// recursion, and its depth is bounded before it is written again, which does recurse.
#include "examples/convoyd/import_parts.h"

#include "absl/strings/str_cat.h"
#include "rapidjson/document.h"
#include "rapidjson/encodedstream.h"
#include "rapidjson/error/en.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/reader.h"

#include "examples/convoyd/json_members.h"
#include "examples/convoyd/json_text.h"

namespace convoyd {
namespace {

constexpr const char* kLists[] = {"projects", "sources", "endpoints", "subscriptions", "api_keys"};

// More than any object of Convoy's has.
constexpr int kDepthMax = 64;

struct DepthGuard : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, DepthGuard> {
  bool StartObject() { return Enter(); }
  bool StartArray() { return Enter(); }
  bool EndObject(rapidjson::SizeType) { return Leave(); }
  bool EndArray(rapidjson::SizeType) { return Leave(); }
  bool Enter() { return ++depth <= kDepthMax; }
  bool Leave() {
    --depth;
    return true;
  }
  int depth = 0;
};

bool IsTooDeep(const std::string& text) {
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  rapidjson::Reader reader;
  DepthGuard guard;
  reader.Parse<rapidjson::kParseIterativeFlag>(stream, guard);
  return guard.depth > kDepthMax;
}

// The project that an object belongs to; empty if it says none.
std::string ProjectOf(const std::string& list, const rapidjson::Value& object) {
  if (!object.IsObject()) return {};
  if (list == "projects") {
    const std::string_view uid = TextMember(object, "uid");
    return std::string(uid.empty() ? TextMember(object, "id") : uid);
  }
  if (list != "api_keys") return std::string(TextMember(object, "project_id"));
  const auto role = object.FindMember("role");
  const bool has_role = role != object.MemberEnd() && role->value.IsObject();
  return std::string(has_role ? TextMember(role->value, "project")
                              : TextMember(object, "role_project"));
}

}  // namespace

absl::StatusOr<std::map<std::string, ImportPart>> SplitImport(const std::string& text) {
  if (IsTooDeep(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the document is nested deeper than ", kDepthMax, " levels"));
  }
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      text.data(), text.size());
  if (document.HasParseError() || !document.IsObject()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the document must be a JSON object: ",
        document.HasParseError() ? rapidjson::GetParseError_En(document.GetParseError())
                                 : "it is none",
        " (at character ", document.GetErrorOffset(), ")"));
  }
  std::map<std::string, ImportPart> parts;
  for (const char* list : kLists) {
    if (!document.HasMember(list) || document[list].IsNull()) continue;
    if (!document[list].IsArray()) {
      return absl::InvalidArgumentError(absl::StrCat(list, " must be a list of objects"));
    }
    for (const rapidjson::Value& object : document[list].GetArray()) {
      parts[ProjectOf(list, object)][list].push_back(ToText(object));
    }
  }
  return parts;
}

std::string BodyOf(const ImportPart& part) {
  std::string body = "{";
  for (const auto& [list, objects] : part) {
    absl::StrAppend(&body, body.size() > 1 ? "," : "", JsonString(list), ":[");
    for (size_t i = 0; i < objects.size(); ++i) {
      absl::StrAppend(&body, i > 0 ? "," : "", objects[i]);
    }
    body += "]";
  }
  return body + "}";
}

}  // namespace convoyd

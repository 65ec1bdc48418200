// Steps of a scenario: parts of their JSON, their requests and events, and what was saved for them.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "rapidjson/document.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"

#include "convoy/gateway.h"
#include "convoy/verifier.h"

namespace scenario {

using Json = rapidjson::Value;

inline std::string Print(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

[[noreturn]] inline void Fail(std::string_view what) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::_Exit(1);
}

inline void Expect(bool is_so, const Json& step, std::string_view otherwise) {
  if (!is_so) Fail(absl::StrCat(Print(step), ": ", otherwise));
}

inline void Expect(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

template <typename T>
T ValueOf(absl::StatusOr<T> result) {
  Expect(result.status());
  return *std::move(result);
}

inline rapidjson::Document Parse(std::string_view text) {
  rapidjson::Document document;
  document.Parse(text.data(), text.size());
  if (document.HasParseError()) Fail(absl::StrCat("not JSON: ", text));
  return document;
}

// Null if there is none of this name.
inline const Json& At(const Json& object, std::string_view name) {
  static const Json kNone;
  if (!object.IsObject()) return kNone;
  const auto member = object.FindMember(Json(rapidjson::StringRef(name.data(), name.size())));
  return member != object.MemberEnd() ? member->value : kNone;
}

// Follows "project.uid".
inline const Json& Follow(const Json& value, std::string_view path) {
  const Json* at = &value;
  for (const std::string_view name : absl::StrSplit(path, '.')) at = &At(*at, name);
  return *at;
}

// Borrows from the value; empty if it is no text.
inline std::string_view View(const Json& value) {
  return value.IsString() ? std::string_view(value.GetString(), value.GetStringLength()) : "";
}

inline std::string_view Text(const Json& object, std::string_view name) {
  return View(At(object, name));
}

inline int Number(const Json& object, std::string_view name) {
  const Json& number = At(object, name);
  return number.IsInt() ? number.GetInt() : 0;
}

inline bool Has(const Json& object, std::string_view name) { return !At(object, name).IsNull(); }

// Borrows from its step.
class Request {
 public:
  explicit Request(const Json& step) : fields_(At(step, "request")) {
    for (const auto& header : At(fields_, "headers").GetObject()) {
      headers_.push_back({View(header.name), View(header.value)});
    }
  }

  convoy::VerifyRequest to_verify() const {
    return {.method = Text(fields_, "method"),
            .path = Text(fields_, "path"),
            .query = Text(fields_, "query"),
            .headers = headers_,
            .body = Text(fields_, "body")};
  }

  convoy::HttpRequest to_handle() const {
    return {.method = Text(fields_, "method"),
            .path = Text(fields_, "path"),
            .query = Text(fields_, "query"),
            .headers = headers_,
            .body = Text(fields_, "body")};
  }

 private:
  const Json& fields_;
  std::vector<convoy::HeaderView> headers_;
};

inline convoy::HostEvent EventOf(const Json& step) {
  const Json& fields = At(step, "event");
  return {.project_id = std::string(Text(fields, "project_id")),
          .audience = convoy::HostEvent::Audience::kEveryone,
          .event_type = std::string(Text(fields, "type")),
          .data = Print(At(fields, "data")),
          .idempotency_key = std::string(Text(fields, "idempotency_key"))};
}

// Texts by the names that stand for them in later steps, each as "{NAME}".
class Saved {
 public:
  void Set(std::string_view name, std::string_view value) {
    const std::string place = absl::StrCat("{", name, "}");
    std::erase_if(values_, [&](const auto& each) { return each.first == place; });
    values_.emplace_back(place, value);
  }

  rapidjson::Document Fill(const Json& step) const {
    return Parse(absl::StrReplaceAll(Print(step), values_));
  }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace scenario

// JSON as a tree, for configuration and API requests: small texts that are read field by field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/json/limits.h"
#include "lib/json/rapidjson.h"

namespace convoy::json {

using Value = rapidjson::Value;
using Document = rapidjson::Document;

// Parses iteratively, checking UTF-8 and the limits. Errors as in raw.h; an empty text is
// "body must not be empty".
absl::StatusOr<Document> Parse(std::string_view text, const Limits& limits);

// The value as text again. Numbers are respelt: for configuration, not for payloads.
std::string ToText(const Value& value);

// Adds `next` to what is wrong already, so that one answer tells of several fields: messages of
// kInvalidArgument are joined by ", " up to a bound, another error stands alone.
void AddProblem(const absl::Status& next, absl::Status* all);

// Reads the fields of an object, remembering every wrong type. Ask for everything, then look at
// status() once. A missing field, or null, leaves the target alone and returns false.
//
//   ObjectReader reader(document);
//   reader.Read("name", &request.name);
//   reader.Read("retry_count", &request.retry_count);
//   RETURN_IF_ERROR(reader.status());
class ObjectReader {
 public:
  // `path` is put before field names in errors ("config.strategy").
  explicit ObjectReader(const Value& object, std::string path = "");

  bool Read(std::string_view field, std::string* out);
  bool Read(std::string_view field, bool* out);
  bool Read(std::string_view field,
            uint32_t* out);  // negative, fractional or too large: wrong type
  bool Read(std::string_view field, uint64_t* out);
  bool Read(std::string_view field, int64_t* out);
  bool Read(std::string_view field, std::vector<std::string>* out);
  // The member if it is an object / array; nullptr if absent or null.
  const Value* Object(std::string_view field);
  const Value* Array(std::string_view field);

  bool Has(std::string_view field) const;  // present, even if null
  bool HasText(std::string_view field) const;
  std::string PathOf(std::string_view field) const;

  // 'body contains incorrect JSON type for field "config.strategy.type"'; several are joined.
  absl::Status status() const { return status_; }
  void Fail(const absl::Status& status) { AddProblem(status, &status_); }
  // "config.strategy.type:why", unless the type of the field is wrong already.
  void FailField(std::string_view field, std::string_view why);

 private:
  const Value* Find(std::string_view field) const;
  void FailType(std::string_view field);

  const Value& object_;
  std::string path_;
  absl::Status status_;
  std::vector<std::string> mistyped_;  // fields
};

}  // namespace convoy::json

// Reading the fields of requests: texts that are checked, settings that are refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "lib/json/document.h"
#include "lib/model/names.h"

namespace convoy::http {

inline constexpr size_t kFieldBytesMax = 1024;
inline constexpr size_t kConditionBytesMax = 64 * 1024;  // of one part of a filter

// "field:why", the form in which clients know validation errors.
absl::Status FieldError(std::string_view field, std::string_view why);

// Names, descriptions, secrets: bounded, and without the NUL that not every store can keep.
absl::Status CheckText(std::string_view field, std::string_view text,
                       size_t bytes_max = kFieldBytesMax);

// A header that the gateway is to send: well-formed, and none of those that HTTP itself needs.
absl::Status CheckHeaderToSend(std::string_view field, std::string_view name);

// Whether a store may be asked for a text from outside: no id that we give is otherwise.
bool MayBeId(std::string_view text);

// Null, false, zero, empty, and arrays and objects of nothing else: how clients spell "not set".
bool AsksForNothing(const json::Value& value);

// Refuses a field that asks for something this version does not do. `parent` is the path of
// `object`.
absl::Status RefuseIfSet(const json::Value& object, std::string_view field,
                         std::string_view parent = "");

// Refuses a text that tries to change what is fixed once it is made.
absl::Status RefuseChange(const json::Value& object, std::string_view field,
                          std::string_view current);

// A member with one of the spellings of `Enum`; `out` is left alone if it is absent or empty.
template <typename Enum>
void ReadEnum(json::ObjectReader& reader, std::string_view field, std::string_view refusal,
              Enum* out) {
  std::string name;
  if (!reader.Read(field, &name) || name.empty()) return;
  const std::optional<Enum> value = model::Parse<Enum>(name);
  if (value.has_value()) {
    *out = *value;
  } else {
    reader.Fail(FieldError(reader.PathOf(field), refusal));
  }
}

// A member that is whole seconds, as a number or as a text that Go writes ("10s", "1m30s"); false
// and `out` left alone if it is absent, empty or wrong.
bool ReadSeconds(json::ObjectReader& reader, std::string_view field, absl::Duration* out);

// {"type", "duration" | "interval_seconds", "retry_count"} over what `out` holds; durations as
// ReadSeconds takes them.
absl::Status ReadRetry(const json::Value& object, std::string_view path, RetryPolicy* out);

// The text of a member that is an object, as the client wrote it; empty if there is none. Filters
// and schemas are kept and shown as they are.
std::string RawMember(std::string_view object_json, std::string_view path);

// {"headers", "body", "query", "path"}: conditions on an event, of which those that are given
// replace what `out` holds. `path` is that of `object`, and `object_json` its text.
absl::Status ReadConditions(const json::Value& object, std::string_view object_json,
                            std::string_view path, ContentFilter* out);

// An endpoint's URL: http or https with a host, nothing that HTTP or the transport would choke on.
absl::Status CheckEndpointUrl(std::string_view url, bool is_https_required);

}  // namespace convoy::http

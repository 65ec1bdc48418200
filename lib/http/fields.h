// Reading the fields of requests: texts that are checked, settings that are refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/model.h"
#include "lib/json/document.h"

namespace convoy::http {

// "field:why", the form in which clients know validation errors.
absl::Status FieldError(std::string_view field, std::string_view why);

// Names and descriptions: bounded.
absl::Status CheckLength(std::string_view field, std::string_view text);

// Refuses a field that asks for something this version does not do. Absent, null, false, empty and
// {} ask for nothing.
absl::Status RefuseIfSet(const json::Value& object, std::string_view field);

// A member with one of the spellings of `Enum`; `out` is left alone if it is absent or empty.
template <typename Enum>
void ReadEnum(json::ObjectReader& reader, std::string_view field, std::string_view refusal,
              Enum* out);

// {"type", "duration" | "interval_seconds", "retry_count"}: durations are whole seconds, or texts
// as Go writes them ("10s").
absl::Status ReadRetry(const json::Value& object, std::string_view path, RetryPolicy* out);

// An endpoint's URL: http or https with a host, nothing that HTTP or the transport would choke on.
absl::Status CheckEndpointUrl(const std::string& url, bool is_https_required);

}  // namespace convoy::http

#include "absl/strings/str_cat.h"

#include "lib/model/names.h"

namespace convoy::http {

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

}  // namespace convoy::http

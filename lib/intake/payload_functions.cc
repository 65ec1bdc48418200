// Payload functions of sources; see payload_functions.h.
#include "lib/intake/payload_functions.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/intake/event_headers.h"
#include "lib/json/raw.h"
#include "lib/json/writer.h"

namespace convoy::intake {
namespace {

constexpr size_t kBodyIndex = 0;
constexpr size_t kHeaderIndex = 1;

absl::Status FunctionError(std::string_view field, std::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat(field, ": ", why));
}

absl::StatusOr<Headers> ReadHeaders(std::string_view json) {
  constexpr std::string_view kField = "header_function";
  const auto object = json::ScanObject(json, json::kPayloadLimits);
  if (!object.ok()) return FunctionError(kField, "must return an object of texts");
  Headers headers;
  for (const json::RawMember& member : object->members) {
    const auto text = member.value.AsScalarText();
    if (!text.has_value()) {
      return FunctionError(kField, absl::StrCat("the header ", base::Quote(member.key),
                                                " must be a text, a number or a boolean"));
    }
    headers.push_back({member.key, *text});
  }
  const absl::Status checked = CheckCustomHeaders(headers);
  if (!checked.ok()) return FunctionError(kField, checked.message());
  return headers;
}

}  // namespace

void FunctionRuns::Add(ScriptResult result) {
  results_[wanted_index_] = std::move(result);
  wanted_.reset();
}

absl::StatusOr<std::string> SourceFunctions::Run(size_t index, std::string_view field,
                                                 const std::string& function, std::string payload) {
  if (runs_ == nullptr) return FunctionError(field, kNoScripting);
  const std::optional<ScriptResult>& result = runs_->results_[index];
  if (!result.has_value()) {
    runs_->wanted_index_ = index;
    runs_->wanted_ = ScriptCall{.owner = source_.id,
                                .function = function,
                                .payload = std::move(payload),
                                .now = now_,
                                .output_bytes_max = options_.body_bytes_max};
    return absl::UnavailableError("a function has to be run first");
  }
  if (result->outcome != ScriptOutcome::kDone) return FunctionError(field, result->error);
  return result->payload;
}

absl::StatusOr<std::optional<std::string>> SourceFunctions::ChangeBody(body::BodyView& body) {
  if (source_.body_function.empty()) return std::optional<std::string>();
  const auto json = AsJsonValue(body);
  if (json.has_value()) return ChangeBody(*json);
  const bool is_opaque = body.opacity() != body::Opacity::kNone;
  return FunctionError("body_function",
                       is_opaque ? body::OpacityText(body.opacity()) : "the body is not JSON");
}

absl::StatusOr<std::optional<std::string>> SourceFunctions::ChangeBody(std::string_view json) {
  if (source_.body_function.empty()) return std::optional<std::string>();
  CONVOY_ASSIGN_OR_RETURN(std::string changed, Run(kBodyIndex, "body_function",
                                                   source_.body_function, std::string(json)));
  if (!json::Validate(changed, json::kPayloadLimits).ok()) {
    return FunctionError("body_function", "its result is nested too deeply");
  }
  return std::optional<std::string>(std::move(changed));
}

absl::Status SourceFunctions::ChangeHeaders(Headers& headers) {
  if (source_.header_function.empty()) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(
      const std::string changed,
      Run(kHeaderIndex, "header_function", source_.header_function, HeadersToJson(headers)));
  CONVOY_ASSIGN_OR_RETURN(headers, ReadHeaders(changed));
  return absl::OkStatus();
}

std::string HeadersToJson(const Headers& headers) {
  std::vector<std::pair<std::string_view, std::string>> joined;
  for (const Header& header : headers) {
    auto known = joined.begin();
    while (known != joined.end() && !base::EqualsIgnoreCase(known->first, header.name)) ++known;
    if (known == joined.end()) {
      joined.emplace_back(header.name, header.value);
    } else {
      absl::StrAppend(&known->second, ", ", header.value);
    }
  }
  json::Writer writer;
  writer.BeginObject();
  for (const auto& [name, value] : joined) writer.Field(name, value);
  writer.EndObject();
  return writer.TakeText();
}

}  // namespace convoy::intake

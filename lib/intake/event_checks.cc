// Checks of events. Sizes are checked before a text is used in any way.

#include "lib/intake/event_checks.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/intake/event_headers.h"
#include "lib/intake/ingest_report.h"
#include "lib/json/document.h"

namespace convoy::intake {
namespace {

using json::AddProblem;

bool IsUrlText(std::string_view text) {
  return text.size() <= kUrlBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isgraph(static_cast<unsigned char>(c));
         });
}

}  // namespace

absl::Status CheckBodySize(const GatewayOptions& options, const ProjectConfig& config,
                           uint64_t body_bytes) {
  const BodyLimit limit = LimitOf(options, config);
  return body_bytes > limit.bytes_max ? TooLarge(limit) : absl::OkStatus();
}

BodyLimit LimitOf(const GatewayOptions& options, const ProjectConfig& config) {
  const bool has_own = config.body_bytes_max != ProjectConfig{}.body_bytes_max;
  if (has_own && config.body_bytes_max < options.body_bytes_max) {
    return {config.body_bytes_max, "the project's max_payload_read_size"};
  }
  return {options.body_bytes_max, "the gateway's body_bytes_max"};
}

absl::Status TooLarge(const BodyLimit& limit) {
  return RefuseIngest(absl::StatusCode::kOutOfRange, ingest_refusal::kTooLarge,
                      absl::StrCat("request body too large: more than ", limit.bytes_max,
                                   " bytes, see ", limit.setting));
}

absl::Status CheckText(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": longer than ", bytes_max, " bytes"));
  }
  if (!base::IsValidUtf8(text)) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": not valid UTF-8"));
  }
  return absl::OkStatus();
}

absl::Status CheckUrlText(std::string_view path, std::string_view query) {
  const auto refuse = [](std::string_view message) {
    return RefuseIngest(absl::StatusCode::kInvalidArgument, ingest_refusal::kMalformedRequest,
                        message);
  };
  if (!IsUrlText(path)) return refuse("path: too long or malformed");
  if (!IsUrlText(query)) return refuse("query: too long or malformed");
  return absl::OkStatus();
}

absl::Status CheckRestEvent(const GatewayOptions& options, const Project& project,
                            const RestEvent& event) {
  absl::Status wrong;
  if (event.event_type.empty()) {
    AddProblem(absl::InvalidArgumentError("event_type:please provide an event type"), &wrong);
  }
  if (!event.data.has_value()) {
    AddProblem(absl::InvalidArgumentError("data:please provide your data"), &wrong);
  }
  AddProblem(CheckText("event_type", event.event_type, kEventTypeBytesMax), &wrong);
  AddProblem(CheckText("idempotency_key", event.idempotency_key, kIdempotencyKeyBytesMax), &wrong);
  // It leaves the house as the value of a header.
  if (!base::IsHeaderValue(event.idempotency_key)) {
    AddProblem(absl::InvalidArgumentError("idempotency_key: contains control characters"), &wrong);
  }
  AddProblem(CheckCustomHeaders(event.custom_headers), &wrong);
  CONVOY_RETURN_IF_ERROR(wrong);
  CONVOY_RETURN_IF_ERROR(CheckBodySize(options, project.config, event.data->size()));
  const bool is_key_mandatory =
      project.type == ProjectType::kOutgoing &&
      !base::EqualsIgnoreCase(project.config.request_id_header, ProjectConfig{}.request_id_header);
  if (is_key_mandatory && event.idempotency_key.empty()) {
    return absl::InvalidArgumentError(
        "idempotency_key is required when a custom request_id_header is configured");
  }
  return absl::OkStatus();
}

}  // namespace convoy::intake

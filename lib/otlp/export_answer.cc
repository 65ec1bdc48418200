// Reader of a collector's answers; see export_answer.h.
#include "lib/otlp/export_answer.h"

#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/dispatch/retry_after.h"
#include "lib/json/raw.h"

namespace convoy::otlp {
namespace {

using Kind = ExportAnswer::Kind;

bool MayTryAgain(int http_status) {
  return http_status == 429 || http_status == 502 || http_status == 503 || http_status == 504;
}

// {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "…"}}: the number is a text, as 64-bit
// integers are, but some write a number.
ExportAnswer ReadTaken(std::string_view body) {
  ExportAnswer answer{.kind = Kind::kTaken};
  const auto rejected = json::FindPath(body, "partialSuccess.rejectedSpans", {});
  const std::optional<std::string> text =
      rejected.has_value() ? rejected->AsScalarText() : std::nullopt;
  uint64_t count = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &count) || count == 0) return answer;
  answer.rejected_count = count;
  const auto message = json::FindPath(body, "partialSuccess.errorMessage", {});
  answer.error = absl::StrCat(
      "the collector rejected ", answer.rejected_count, " spans: ",
      base::Quote(message.has_value() ? message->AsString().value_or("") : std::string()));
  return answer;
}

}  // namespace

ExportAnswer ReadAnswer(const TransportResult& result, absl::Time now) {
  const int status = result.http_status;
  if (status >= 200 && status < 300) return ReadTaken(result.body);
  if (status != 0) {
    ExportAnswer answer{.kind = MayTryAgain(status) ? Kind::kTryAgain : Kind::kRefused,
                        .error = absl::StrCat("the collector answered ", status)};
    if (answer.kind == Kind::kTryAgain) {
      answer.wait_min = dispatch::RetryAfterOf(result.headers, now).value_or(absl::ZeroDuration());
    }
    return answer;
  }
  const bool is_final = result.outcome == TransportOutcome::kInvalidUrl ||
                        result.outcome == TransportOutcome::kDeniedAddress;
  return {.kind = is_final ? Kind::kRefused : Kind::kTryAgain, .error = result.error};
}

}  // namespace convoy::otlp

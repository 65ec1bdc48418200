// The ingest link: what providers post to. The answer is given after the commit.
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/verifier.h"
#include "lib/base/status_macros.h"
#include "lib/http/envelope.h"
#include "lib/http/handlers.h"

namespace convoy::http {
namespace {

bool CarriesEvent(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

// Handshakes that providers make before they send anything.
std::optional<HttpResponse> AnswerChallenge(const config::SourceEntry& entry,
                                            const Context& context) {
  if (entry.verifier == nullptr || entry.source.is_disabled) return std::nullopt;
  const HttpRequest& request = *context.request;
  const std::string url = intake::PublicUrlOf(request, context.options->public_url);
  auto answer = entry.verifier->AnswerChallenge({.method = request.method,
                                                 .url = url,
                                                 .path = request.path,
                                                 .query = request.query,
                                                 .headers = request.headers,
                                                 .body = request.body},
                                                context.parts->clock->Now());
  if (!answer.has_value()) return std::nullopt;
  return std::move(answer->response);
}

HttpResponse Accepted(const Source& source, bool is_duplicate, size_t body_bytes) {
  const CustomResponse& custom = source.custom_response;
  if (!custom.body.empty()) {
    return {.status = 200,
            .headers = {{"Content-Type",
                         custom.content_type.empty() ? "text/plain" : custom.content_type}},
            .body = custom.body};
  }
  return Success(200,
                 is_duplicate ? "Duplicate event received, but will not be sent" : "Event received",
                 absl::StrCat(body_bytes));
}

}  // namespace

Reply Ingest(const Context& context) {
  const ApiParts& parts = *context.parts;
  const HttpRequest& request = *context.request;
  const auto source = parts.configuration->FindSourceByMask(context.capture(0));
  if (absl::IsNotFound(source.status())) return Failure(404, "Resource not found");
  if (!source.ok()) return FromStatus(source.status());
  if (auto challenge = AnswerChallenge(**source, context)) return *std::move(challenge);
  if (!CarriesEvent(request.method)) return Failure(405, "method not allowed");

  const auto project = parts.configuration->FindProject((*source)->source.project_id);
  if (!project.ok()) return FromStatus(project.status());
  absl::StatusOr<WriteBatch> batch = parts.intake->PrepareIngest(**project, **source, request);
  if (absl::IsUnauthenticated(batch.status())) return Failure(400, batch.status().message());
  if (!batch.ok()) return FromStatus(batch.status());

  PendingWrite pending{.batch = *std::move(batch), .has_deliveries = true};
  pending.finish = [source = *source,
                    body_bytes = request.body.size()](const CommitResult& result) -> Reply {
    if (!result.status.ok()) return FromStatus(result.status);
    const bool is_duplicate = result.submissions.front() == SubmissionOutcome::kDuplicate;
    return Accepted(source->source, is_duplicate, body_bytes);
  };
  return pending;
}

}  // namespace convoy::http

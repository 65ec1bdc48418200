// Ingest links, to which providers post. The response is given after the commit.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "convoy/verifier.h"
#include "lib/base/status_macros.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/intake/admission.h"
#include "lib/intake/job_room.h"

namespace convoy::http {
namespace {

bool HasSecret(const Source& source) {
  const auto* scheme = std::get_if<SchemeVerifierConfig>(&source.verifier);
  return scheme == nullptr || !scheme->secrets.empty();
}

// Stores the secret that a provider hands over while its webhook is being created; the response is
// given once it is durable. An existing secret is never replaced: every sender can ask for that.
Reply LearnSecret(const Context& context, const Source& source, ChallengeAnswer answer) {
  if (HasSecret(source)) return Failure(400, "the source has its secret already");
  const auto project = context.parts->configuration->FindProject(source.project_id);
  if (!project.ok()) return FromStatus(project.status());
  Context of_project = context;
  of_project.project = *project;
  return ChangeProject(
      of_project,
      [storage = context.parts->storage, source,
       secret = std::move(answer.learned_secret)](const Snapshot&) -> absl::StatusOr<ConfigWrite> {
        CONVOY_ASSIGN_OR_RETURN(Source current,
                                GetConfig<Source>(*storage, source.project_id, source.id));
        if (HasSecret(current)) {
          return absl::FailedPreconditionError("the source has its secret already");
        }
        std::get<SchemeVerifierConfig>(current.verifier).secrets.push_back(secret);
        return ConfigWrite{.puts = {current}};
      },
      [response = std::move(answer.response)] { return response; });
}

// Handshakes that providers make before they send anything.
std::optional<Reply> AnswerChallenge(const config::SourceEntry& entry, const Context& context) {
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
  if (!answer->learned_secret.empty()) {
    return LearnSecret(context, entry.source, *std::move(answer));
  }
  if (!answer->visit_url.empty() &&
      (context.parts->fetcher == nullptr || !context.parts->fetcher->Visit(answer->visit_url))) {
    return TryLater("too many confirmations are waiting, try again later");
  }
  return std::move(answer->response);
}

// Response to a provider whose request was not accepted.
HttpResponse Refused(const absl::Status& status, const config::SourceEntry& entry) {
  if (absl::IsUnavailable(status)) {
    return TryLater("the provider's key is being fetched, try again");
  }
  if (absl::IsUnimplemented(status)) return MethodNotAllowed("POST, PUT, PATCH", status.message());
  if (!absl::IsUnauthenticated(status)) return FromStatus(status);
  const int expected = entry.verifier == nullptr ? 0 : entry.verifier->refusal_status();
  return Failure(expected == 0 ? 400 : expected, status.message());
}

// A genuine request that is only kept is safe: its sender need not send it again.
HttpResponse Kept(const absl::Status& refusal, const config::SourceEntry& entry) {
  const std::string reason = intake::IngestReasonOf(refusal);
  if (reason == intake::ingest_refusal::kFunctionFailed) {
    // Its error is the source's owner's to see.
    return Success(200, "Request kept: a payload function failed");
  }
  if (reason != intake::ingest_refusal::kMissingIdempotencyKey) return Refused(refusal, entry);
  return Success(200, absl::StrCat("Request kept in quarantine: ", refusal.message()));
}

// A refusal that is told once the request is kept. If it cannot be, the provider is asked to come
// again.
Reply RefuseAndKeep(HeldInputWrite hold, absl::Status refusal,
                    std::shared_ptr<const config::SourceEntry> entry) {
  PendingWrite pending;
  pending.batch.holds.push_back(std::move(hold));
  pending.finish = [refusal = std::move(refusal),
                    entry = std::move(entry)](const CommitResult& result) -> Reply {
    return result.status.ok() ? Kept(refusal, *entry) : FromStatus(result.status);
  };
  return pending;
}

HttpResponse Accepted(const Source& source, bool is_duplicate, std::string_view remark,
                      size_t body_bytes) {
  const CustomResponse& custom = source.custom_response;
  if (!custom.body.empty()) {
    return {.status = 200,
            .headers = {{"Content-Type",
                         custom.content_type.empty() ? "text/plain" : custom.content_type}},
            .body = custom.body};
  }
  const std::string_view message =
      is_duplicate ? "Duplicate event received, but will not be sent" : "Event received";
  return Success(200, absl::StrCat(message, remark.empty() ? "" : "; ", remark),
                 absl::StrCat(body_bytes));
}

HttpResponse RefuseLink(const Context& context, std::string_view why) {
  context.parts->intake->report().Refused(
      {.event = "request refused", .reason = intake::ingest_refusal::kUnknownLink, .detail = why});
  return Failure(404, "Resource not found");
}

// There is no room for the job that would make the event's deliveries, or that cannot be learnt.
HttpResponse RefuseFull(const ApiParts& parts, const Source& source, const absl::Status& status) {
  if (intake::IsTooManyJobs(status)) {
    parts.intake->report().Refused({.event = "request refused",
                                    .source_id = source.id,
                                    .reason = intake::ingest_refusal::kTooManyJobs,
                                    .detail = status.message()});
  }
  return FromStatus(status);
}

// Whether a request whose function failed has a place among those of its source that are kept. None
// of them makes room for another: their senders were told that they are safe.
bool HasPlace(const GatewayOptions& options, Storage& storage, const HeldInputWrite& hold) {
  const auto count = storage.CountHeld({.project_id = hold.input.project_id,
                                        .source_ids = {hold.input.source_id},
                                        .kind = hold.input.kind,
                                        .now = hold.input.received_at});
  const uint32_t places = intake::QuarantineItemsMax(options, hold.input.body.size());
  const uint32_t bound = hold.items_max == 0 ? places : std::min(hold.items_max, places);
  return count.ok() && *count < bound;
}

using SourceEntryPtr = std::shared_ptr<const config::SourceEntry>;

// The reply to a request that its source has admitted. While `runs` wants something, it means
// nothing.
Reply AcceptVerified(const GatewayOptions& options, const ApiParts& parts,
                     const route::ProjectSnapshot& project, const SourceEntryPtr& source,
                     const HttpRequest& request, const intake::VerifiedRequest& verified,
                     intake::FunctionRuns* runs) {
  std::optional<HeldInputWrite> hold;
  std::string remark;
  absl::StatusOr<WriteBatch> batch =
      parts.intake->AcceptIngest(project, *source, request, verified, runs, &hold, &remark);
  if (hold.has_value()) {
    const bool is_safe = hold->input.reason != intake::ingest_refusal::kFunctionFailed ||
                         HasPlace(options, *parts.storage, *hold);
    if (!is_safe) return TryLater("too many requests are kept whose payload function failed");
    return RefuseAndKeep(*std::move(hold), batch.status(), source);
  }
  if (!batch.ok()) return Refused(batch.status(), *source);
  const absl::Status room = intake::CheckJobRoom(*parts.storage, options.open_jobs_max, *batch);
  if (!room.ok()) return RefuseFull(parts, source->source, room);

  intake::Receptions receptions = parts.intake->receptions().Begin(project.project(), *batch);
  PendingWrite pending{.batch = *std::move(batch), .has_deliveries = true};
  pending.finish = [source, remark = std::move(remark), body_bytes = request.body.size(),
                    receptions = std::move(receptions),
                    intake = parts.intake](const CommitResult& result) -> Reply {
    if (!result.status.ok()) return FromStatus(result.status);
    intake->receptions().End(receptions, SpanKind::kServer, result);
    const bool is_duplicate = result.submissions.front() == SubmissionOutcome::kDuplicate;
    return Accepted(source->source, is_duplicate, remark, body_bytes);
  };
  return pending;
}

// A request on its way through the functions of its source. It outlives the caller's, so it has a
// copy.
class FunctionIngest : public std::enable_shared_from_this<FunctionIngest> {
 public:
  FunctionIngest(const GatewayOptions& options, const ApiParts& parts, SourceEntryPtr source,
                 const HttpRequest& request, intake::VerifiedRequest verified)
      : options_(options),
        parts_(parts),
        source_(std::move(source)),
        verified_(std::move(verified)),
        method_(request.method),
        path_(request.path),
        query_(request.query),
        body_(request.body) {
    for (const HeaderView& header : request.headers) {
      headers_.push_back({std::string(header.name), std::string(header.value)});
    }
    for (const Header& header : headers_) views_.push_back({header.name, header.value});
  }

  Reply Accept() {
    const auto project = parts_.configuration->FindProject(source_->source.project_id);
    if (!project.ok()) return FromStatus(project.status());
    const HttpRequest request{
        .method = method_, .path = path_, .query = query_, .headers = views_, .body = body_};
    Reply reply = AcceptVerified(options_, parts_, **project, source_, request, verified_, &runs_);
    if (runs_.wanted() == nullptr) return reply;
    return PendingScript{.call = *runs_.wanted(),
                         .finish = [self = shared_from_this()](const ScriptResult& result) {
                           return self->Go(result);
                         }};
  }

 private:
  Reply Go(const ScriptResult& result) {
    if (result.outcome == ScriptOutcome::kNotRun) {
      return TryLater("too many payload functions are waiting, try again later");
    }
    runs_.Add(result);
    return Accept();
  }

  const GatewayOptions& options_;
  const ApiParts& parts_;
  const SourceEntryPtr source_;
  const intake::VerifiedRequest verified_;
  const std::string method_, path_, query_, body_;
  Headers headers_;
  std::vector<HeaderView> views_;
  intake::FunctionRuns runs_;
};

}  // namespace

Reply Ingest(const Context& context) {
  const ApiParts& parts = *context.parts;
  const HttpRequest& request = *context.request;
  const auto source = parts.configuration->FindSourceByMask(context.capture(0));
  if (absl::IsNotFound(source.status())) return RefuseLink(context, "no source has this link");
  if (!source.ok()) return FromStatus(source.status());
  if (auto challenge = AnswerChallenge(**source, context)) return *std::move(challenge);
  if (!context.capture(1).empty()) return RefuseLink(context, "nothing is asked for there");

  const auto project = parts.configuration->FindProject((*source)->source.project_id);
  if (!project.ok()) return FromStatus(project.status());
  std::optional<HeldInputWrite> hold;
  const auto verified = parts.intake->VerifyIngest(**project, **source, request, &hold);
  if (hold.has_value()) return RefuseAndKeep(*std::move(hold), verified.status(), *source);
  if (!verified.ok()) return Refused(verified.status(), **source);
  if (intake::HasFunctions((*source)->source)) {
    return std::make_shared<FunctionIngest>(*context.options, parts, *source, request, *verified)
        ->Accept();
  }
  return AcceptVerified(*context.options, parts, **project, *source, request, *verified,
                        /*runs=*/nullptr);
}

}  // namespace convoy::http

// Admission of requests to a source. The consequence of a verdict depends on the source's mode: the
// same refusal turns a request away, lets it pass with a warning, or quarantines it.
#include "lib/intake/admission.h"

#include <utility>

#include "lib/intake/event_headers.h"
#include "lib/intake/intake.h"

namespace convoy::intake {
namespace {

// For operators; the reason's name is for programs.
std::string_view DetailOf(VerifyReason reason) {
  switch (reason) {
    case VerifyReason::kAccepted:
      return "";
    case VerifyReason::kMissingHeader:
      return "a header or field that the scheme needs is absent";
    case VerifyReason::kMalformed:
      return "the signature or its time is not of the scheme's form, or is there twice";
    case VerifyReason::kUnknownKey:
      return "the request names a key that is not configured";
    case VerifyReason::kSignatureMismatch:
      return "the signature does not match with any of the source's secrets";
    case VerifyReason::kTooOld:
      return "the signed time was too long ago when the request came in";
    case VerifyReason::kTooFarInFuture:
      return "the signed time was too far in the future when the request came in";
    case VerifyReason::kReplayed:
      return "the request had come in before";
    case VerifyReason::kKeyUnavailable:
      return "the provider's published key was not at hand";
  }
  return "";
}

std::string_view MessageOf(VerifyMode mode) {
  switch (mode) {
    case VerifyMode::kEnforce:
      return "request refused";
    case VerifyMode::kObserve:
      return "unverified request accepted";
    case VerifyMode::kQuarantine:
      return "request refused, its source keeps such";
  }
  return "";
}

// Of a verdict what it means, of anything else what the sender is told.
std::string_view DetailFor(const absl::Status& refusal, std::string_view reason) {
  for (int i = 0; i <= static_cast<int>(VerifyReason::kKeyUnavailable); ++i) {
    const auto known = static_cast<VerifyReason>(i);
    if (reason == VerifyReasonName(known)) return DetailOf(known);
  }
  return refusal.message();
}

}  // namespace

absl::Status CheckSource(const config::SourceEntry& entry) {
  const auto refuse = [](std::string_view reason, std::string_view message) {
    return RefuseIngest(absl::StatusCode::kInvalidArgument, reason, message);
  };
  if (entry.source.type != SourceType::kHttp) {
    return refuse(ingest_refusal::kSourceUnusable, "source does not take events over HTTP");
  }
  if (entry.source.is_disabled) {
    return refuse(ingest_refusal::kSourceDisabled, "source is disabled");
  }
  if (entry.verifier == nullptr) {
    return refuse(ingest_refusal::kSourceUnusable, "source has no valid verifier configured");
  }
  return absl::OkStatus();
}

bool CarriesEvent(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

Verdict RunVerifier(const config::SourceEntry& entry, const HttpRequest& request,
                    std::string_view public_url, absl::Time received_at) {
  const std::string url = PublicUrlOf(request, public_url);
  return entry.verifier->Verify({.method = request.method,
                                 .url = url,
                                 .path = request.path,
                                 .query = request.query,
                                 .headers = request.headers,
                                 .body = request.body},
                                received_at);
}

absl::Status ApplyVerifyMode(const config::SourceEntry& entry, const Verdict& verdict,
                             IngestReport* report) {
  if (verdict.accepted()) return absl::OkStatus();
  if (entry.source.verify_mode == VerifyMode::kObserve) {
    if (report != nullptr) {
      report->Accepted({.level = LogLevel::kWarning,
                        .event = MessageOf(VerifyMode::kObserve),
                        .source_id = entry.source.id,
                        .scheme = verdict.scheme,
                        .reason = VerifyReasonName(verdict.reason),
                        .detail = DetailOf(verdict.reason)});
    }
    return absl::OkStatus();
  }
  const std::string_view reason = VerifyReasonName(verdict.reason);
  if (verdict.reason == VerifyReason::kKeyUnavailable) {
    return RefuseIngest(absl::StatusCode::kUnavailable, reason,
                        "the provider's key is being fetched");
  }
  return RefuseIngest(absl::StatusCode::kUnauthenticated, reason, "Request verification failed");
}

void ReportRefusal(const Source& source, const absl::Status& refusal, std::string_view scheme,
                   IngestReport* report) {
  const std::string reason = IngestReasonOf(refusal);
  const VerifyMode mode = source.verify_mode;
  report->Refused({.level = mode == VerifyMode::kEnforce ? LogLevel::kInfo : LogLevel::kWarning,
                   .event = MessageOf(mode == VerifyMode::kObserve ? VerifyMode::kEnforce : mode),
                   .source_id = source.id,
                   .scheme = scheme,
                   .reason = reason,
                   .detail = DetailFor(refusal, reason)});
}

bool IsKept(const config::SourceEntry& entry, const HttpRequest& request,
            const absl::Status& refusal) {
  const std::string reason = IngestReasonOf(refusal);
  if (reason == ingest_refusal::kFunctionFailed) return true;
  if (entry.source.verify_mode != VerifyMode::kQuarantine) return false;
  const bool is_final = absl::IsUnavailable(refusal) || reason == ingest_refusal::kTooLarge ||
                        reason == ingest_refusal::kSourceDisabled ||
                        reason == ingest_refusal::kSourceUnusable;
  return !is_final && CarriesEvent(request.method) && CheckHeaderSize(request.headers).ok();
}

HeldInputWrite MakeHeldInputWrite(const GatewayOptions& options, const config::SourceEntry& entry,
                                  const HttpRequest& request, const absl::Status& refusal,
                                  absl::Time now, std::string id) {
  std::string reason = IngestReasonOf(refusal);
  std::string detail(DetailFor(refusal, reason));
  HeldInput input{.id = std::move(id),
                  .project_id = entry.source.project_id,
                  .source_id = entry.source.id,
                  .kind = HeldKind::kQuarantine,
                  .reason = std::move(reason),
                  .detail = std::move(detail),
                  .method = std::string(request.method),
                  .path = std::string(request.path),
                  .query = std::string(request.query),
                  .body = std::string(request.body),
                  .received_at = now,
                  .expires_at = now + options.quarantine_age};
  for (const HeaderView& header : request.headers) {
    input.headers.push_back({std::string(header.name), std::string(header.value)});
  }
  uint32_t items_max = QuarantineItemsMax(options, input.body.size());
  if (input.reason == ingest_refusal::kFunctionFailed) {
    // Its sender is told that it is safe: it does not expire, and strangers cannot push it out.
    input.kind = HeldKind::kDeadLetter;
    input.expires_at = absl::InfiniteFuture();
    items_max = options.dead_letters_max;
  }
  return {.input = std::move(input),
          .items_max = items_max,
          .use_max = {.inputs = options.held_inputs_max, .bytes = options.held_bytes_max}};
}

uint32_t QuarantineItemsMax(const GatewayOptions& options, uint64_t body_bytes) {
  const uint64_t fitting = options.quarantine_bytes_max / std::max<uint64_t>(body_bytes, 1);
  return static_cast<uint32_t>(std::clamp<uint64_t>(fitting, 1, options.quarantine_inputs_max));
}

}  // namespace convoy::intake

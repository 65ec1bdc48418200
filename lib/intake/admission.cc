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

}  // namespace

absl::Status CheckSource(const config::SourceEntry& entry) {
  if (entry.source.type != SourceType::kHttp) {
    return absl::InvalidArgumentError("source does not take events over HTTP");
  }
  if (entry.source.is_disabled) return absl::InvalidArgumentError("source is disabled");
  if (entry.verifier == nullptr) {
    return absl::InvalidArgumentError("source has no valid verifier configured");
  }
  return absl::OkStatus();
}

Verdict Judge(const config::SourceEntry& entry, const HttpRequest& request,
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

absl::Status Admit(const config::SourceEntry& entry, const Verdict& verdict, Observer* observer) {
  if (verdict.accepted()) return absl::OkStatus();
  const VerifyMode mode = entry.source.verify_mode;
  if (observer != nullptr) {
    const LogField fields[] = {{"source_id", entry.source.id},
                               {"scheme", verdict.scheme},
                               {"reason", VerifyReasonName(verdict.reason)}};
    observer->Log(mode == VerifyMode::kEnforce ? LogLevel::kInfo : LogLevel::kWarning,
                  MessageOf(mode), fields);
  }
  if (mode == VerifyMode::kObserve) return absl::OkStatus();
  if (verdict.reason == VerifyReason::kKeyUnavailable) {
    return absl::UnavailableError("the provider's key is being fetched");
  }
  return absl::UnauthenticatedError("Request verification failed");
}

bool IsKept(const config::SourceEntry& entry, const HttpRequest& request, const Verdict& verdict) {
  return entry.source.verify_mode == VerifyMode::kQuarantine &&
         verdict.reason != VerifyReason::kKeyUnavailable && CheckHeaderSize(request.headers).ok();
}

Hold MakeHold(const GatewayOptions& options, const config::SourceEntry& entry,
              const HttpRequest& request, const Verdict& verdict, absl::Time now, std::string id) {
  HeldInput input{.id = std::move(id),
                  .project_id = entry.source.project_id,
                  .source_id = entry.source.id,
                  .kind = HeldKind::kQuarantine,
                  .reason = std::string(VerifyReasonName(verdict.reason)),
                  .detail = std::string(DetailOf(verdict.reason)),
                  .method = std::string(request.method),
                  .path = std::string(request.path),
                  .query = std::string(request.query),
                  .body = std::string(request.body),
                  .received_at = now,
                  .expires_at = now + options.quarantine_age};
  for (const HeaderView& header : request.headers) {
    input.headers.push_back({std::string(header.name), std::string(header.value)});
  }
  const uint32_t items_max = QuarantineItemsMax(options, input.body.size());
  return {.input = std::move(input), .items_max = items_max};
}

uint32_t QuarantineItemsMax(const GatewayOptions& options, uint64_t body_bytes) {
  const uint64_t fitting = options.quarantine_bytes_max / std::max<uint64_t>(body_bytes, 1);
  return static_cast<uint32_t>(std::clamp<uint64_t>(fitting, 1, options.quarantine_inputs_max));
}

}  // namespace convoy::intake

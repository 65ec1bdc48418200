// Dispatch of requests to handlers, and the checks before a handler runs.
#include "lib/http/api.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/hops.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/body/form.h"
#include "lib/http/metrics/metrics.h"
#include "lib/http/openapi.h"
#include "lib/http/request/authentication.h"
#include "lib/http/request/context.h"
#include "lib/http/request/verified_keys.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/router.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

constexpr std::string_view kApiPrefix = "/api/v1/";
constexpr std::string_view kIngestPrefix = "/ingest/";
// Of requests whose body means nothing.
constexpr uint64_t kUnusedBodyBytesMax = 1024;
// How long a process that lacked resources for a delivery is not ready.
constexpr absl::Duration kLocalFailureShown = absl::Seconds(15);

bool IsApiPath(std::string_view path) { return path.starts_with(kApiPrefix); }
bool IsIngestPath(std::string_view path) { return path.starts_with(kIngestPrefix); }
bool IsHealthPath(std::string_view path) { return path == "/healthz" || path == "/readyz"; }

HttpResponse Health(const ApiParts& parts, const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return MethodNotAllowed("GET, HEAD");
  if (request.path == "/healthz") {
    return parts.storage->CheckAlive().ok()
               ? Success(200, "alive")
               : Failure(503, "the store takes no writes until it is opened anew; restart");
  }
  if (parts.dispatcher != nullptr && parts.dispatcher->status().unwritten > 0) {
    return Failure(503, "outcomes of deliveries wait until the store takes them");
  }
  const absl::Status writable = parts.storage->CheckWritable();
  if (!writable.ok()) return Failure(503, "the store is not writable");
  if (parts.dispatcher != nullptr) {
    const absl::Time failed_at = parts.dispatcher->status().last_local_failure_at;
    if (parts.clock->Now() - failed_at < kLocalFailureShown) {
      return Failure(503, "this process lacks descriptors, ports or memory for deliveries");
    }
  }
  return Success(200, "ready");
}

// Absent, empty, or JSON with or without parameters.
bool IsJsonOrUnsaid(std::span<const HeaderView> headers) {
  const std::string_view type = base::FindHeader(headers, "Content-Type").value_or("");
  const std::string_view media_type =
      absl::StripAsciiWhitespace(type.substr(0, std::min(type.find(';'), type.size())));
  return type.empty() || base::EqualsIgnoreCase(media_type, "application/json");
}

// The size that the head promises; nullopt if it promises none. Two promises, or one that is no
// number, are how requests are smuggled.
absl::StatusOr<std::optional<uint64_t>> ContentLength(const HttpRequest& head) {
  const auto value = base::FindHeader(head.headers, "Content-Length");
  if (!value.has_value()) return std::optional<uint64_t>();
  uint64_t size = 0;
  const bool is_number = !value->empty() && std::all_of(value->begin(), value->end(), [](char c) {
    return c >= '0' && c <= '9';
  }) && absl::SimpleAtoi(*value, &size);
  if (!is_number || base::CountHeader(head.headers, "Content-Length") != 1) {
    return absl::InvalidArgumentError("Content-Length: must be one number");
  }
  return std::optional<uint64_t>(size);
}

// The one operation that also takes a form.
bool IsOnboardingForm(const HttpRequest& head) {
  return head.path.ends_with("/onboard") &&
         body::IsMultipart(base::FindHeader(head.headers, "Content-Type").value_or(""));
}

constexpr std::string_view kNothingHere =
    "there is nothing at this path: the REST API serves /api/v1/projects, and below "
    "/api/v1/projects/{projectID} sources, endpoints, subscriptions, event-types, events, "
    "eventdeliveries, meta-events, portal-links, onboard, jobs, held-inputs and api-keys";

// Decision on the head of an API request: a refusal, or a route with its project.
struct Admission {
  std::optional<HttpResponse> refusal;
  RouteMatch match;
  Snapshot project;
  Role role = Role::kProjectViewer;
  std::shared_ptr<const ApiKey> key;
  std::shared_ptr<const PortalLink> portal;
  ApiVersion version;
};

absl::StatusOr<Snapshot> FindProject(const ApiParts& parts, const std::string& project_id) {
  absl::StatusOr<Snapshot> project = parts.configuration->FindProject(project_id);
  const bool is_there = project.ok() && (*project)->project().parent_id.empty();
  if (is_there || (!project.ok() && !absl::IsNotFound(project.status()))) return project;
  return absl::NotFoundError("project not found");
}

// The host itself, which needs no key.
absl::StatusOr<Caller> HostCaller() {
  static const auto* const key =
      new auto(std::make_shared<const ApiKey>(ApiKey{.role = Role::kInstanceAdmin}));
  return Caller{.key = *key};
}

// The caller is known before anything is said about paths, and may act on the project before
// anything is said about it.
Admission RouteAndAuthorize(const ApiParts& parts, const HttpRequest& head, Origin origin) {
  if (!IsJsonOrUnsaid(head.headers) && !IsOnboardingForm(head)) {
    return {.refusal = Failure(415,
                               "Content-Type must be application/json, or be left out: the "
                               "REST API takes JSON; other bodies go to the ingest link of "
                               "a source, /ingest/{mask_id}")};
  }
  const auto caller = origin == Origin::kHost ? HostCaller() : Authenticate(parts, head);
  if (!caller.ok()) return {.refusal = FromStatus(caller.status())};
  Admission admission{.match = MatchRoute(head.method, head.path),
                      .role = caller->key != nullptr ? caller->key->role : Role::kProjectViewer,
                      .key = caller->key,
                      .portal = caller->portal};
  const auto version = ApiVersionOf(head.headers);
  if (!version.ok()) return {.refusal = FromStatus(version.status())};
  admission.version = *version;
  const RouteMatch& match = admission.match;
  if (match.route == nullptr) {
    admission.refusal = match.allowed_methods.empty() ? Failure(404, kNothingHere)
                                                      : MethodNotAllowed(match.allowed_methods);
    return admission;
  }
  const std::string project_id = match.captures.empty() ? std::string() : match.captures.front();
  const absl::Status authorized =
      Authorize(*caller, match.route->access, match.route->portal, project_id);
  if (!authorized.ok()) {
    admission.refusal = FromStatus(authorized);
  } else if (!project_id.empty()) {
    absl::StatusOr<Snapshot> project = FindProject(parts, project_id);
    if (project.ok()) {
      admission.project = *std::move(project);
    } else {
      admission.refusal = FromStatus(project.status());
    }
  }
  return admission;
}

struct IngestTarget {
  std::string mask;
  std::string_view behind;  // "/.well-known/…", where handshakes are answered; mostly empty
};

absl::StatusOr<IngestTarget> TargetOf(std::string_view path) {
  path.remove_prefix(kIngestPrefix.size());
  const size_t well_known = std::min(path.find("/.well-known/"), path.size());
  std::string_view mask = path.substr(0, well_known);
  // Forms for URLs often add a slash at the end. The URL is signed as it came.
  if (mask.size() == path.size() && mask.ends_with('/')) mask.remove_suffix(1);
  const auto decoded = base::PercentDecode(mask);
  if (!decoded.has_value() || !MayBeId(*decoded) || decoded->find('/') != std::string::npos) {
    return absl::NotFoundError("Resource not found");
  }
  return IngestTarget{*decoded, path.substr(well_known)};
}

}  // namespace

Api::Api(const GatewayOptions& options, ApiParts parts)
    : options_(options), verified_keys_(std::make_unique<VerifiedKeys>()), parts_([&] {
        parts.verified_keys = verified_keys_.get();
        return std::move(parts);
      }()) {}

Api::~Api() = default;

std::optional<Reply> Api::Handle(const HttpRequest& request) const {
  return Stamped(request, Dispatch(request));
}

std::optional<Reply> Api::Call(const HttpRequest& request) const {
  if (!IsApiPath(request.path)) return std::nullopt;
  return Stamped(request, DispatchApi(request, Origin::kHost));
}

std::optional<Reply> Api::Stamped(const HttpRequest& request, std::optional<Reply> reply) const {
  if (reply.has_value()) reply = Stamped(std::string(request.method), *std::move(reply));
  return reply;
}

void Api::Stamp(std::string_view method, HttpResponse& response) const {
  response.headers.push_back({"X-Request-ID", parts_.ulids->Next()});
  // No browser may take an answer for a page because of how it looks.
  response.headers.push_back({"X-Content-Type-Options", "nosniff"});
  // If a host sent a body here, the client would take it for the next answer.
  if (method == "HEAD") response.body.clear();
}

Reply Api::Stamped(std::string method, Reply reply) const {
  if (auto* response = std::get_if<HttpResponse>(&reply)) {
    Stamp(method, *response);
  } else {
    // Pending work may lead to more of it, so this is passed along.
    const auto wrap = [&](auto& pending) {
      pending.finish = [this, method = std::move(method), finish = std::move(pending.finish)](
                           const auto& result) { return this->Stamped(method, finish(result)); };
    };
    if (auto* write = std::get_if<PendingWrite>(&reply)) wrap(*write);
    if (auto* check = std::get_if<PendingCheck>(&reply)) wrap(*check);
    if (auto* fetch = std::get_if<PendingFetch>(&reply)) wrap(*fetch);
    if (auto* script = std::get_if<PendingScript>(&reply)) wrap(*script);
  }
  return reply;
}

std::optional<Reply> Api::Dispatch(const HttpRequest& request) const {
  if (IsHealthPath(request.path)) return Health(parts_, request);
  if (request.path == kOpenApiPath) return DescribeApi(request);
  if (IsMetricsPath(options_, request.path)) return Metrics(options_, parts_, request);
  if (IsIngestPath(request.path)) {
    const absl::StatusOr<IngestTarget> target = TargetOf(request.path);
    if (!target.ok()) return RefuseUnknownLink();
    if (auto refusal = RefuseLoop(request)) return *std::move(refusal);
    return Ingest({.options = &options_,
                   .parts = &parts_,
                   .request = &request,
                   .captures = {target->mask, std::string(target->behind)}});
  }
  if (!IsApiPath(request.path)) return std::nullopt;
  return DispatchApi(request, Origin::kNetwork);
}

Reply Api::DispatchApi(const HttpRequest& request, Origin origin) const {
  Admission admission = RouteAndAuthorize(parts_, request, origin);
  if (admission.refusal.has_value()) return *std::move(admission.refusal);
  if (request.body.size() > options_.body_bytes_max) {
    return TooLarge(request, LimitFor(request));
  }
  return admission.match.route->handle({.options = &options_,
                                        .parts = &parts_,
                                        .request = &request,
                                        .captures = std::move(admission.match.captures),
                                        .project = std::move(admission.project),
                                        .role = admission.role,
                                        .version = admission.version,
                                        .key = std::move(admission.key),
                                        .portal = std::move(admission.portal)});
}

HeadDecision Api::InspectHead(const HttpRequest& head) const {
  HeadDecision decision = DecideOnHead(head);
  if (decision.refusal.has_value()) Stamp(head.method, *decision.refusal);
  return decision;
}

HttpResponse Api::RefuseUnknownLink() const {
  parts_.intake->report().Refused({.event = "request refused",
                                   .reason = intake::ingest_refusal::kUnknownLink,
                                   .detail = "no source has this link"});
  return Failure(404, "Resource not found");
}

std::optional<HttpResponse> Api::RefuseLoop(const HttpRequest& head) const {
  if (base::HopsOf(head.headers) < options_.hops_max) return std::nullopt;
  const std::string why = absl::StrCat("this event has passed ", options_.hops_max,
                                       " gateways: it seems to go in circles");
  ReportOf(head, intake::ingest_refusal::kLoop, why);
  return Failure(508, why);
}

void Api::ReportOf(const HttpRequest& head, std::string_view reason,
                   std::string_view detail) const {
  std::string source_id;
  if (const auto target = TargetOf(head.path); target.ok()) {
    const auto source = parts_.configuration->FindSourceByMask(target->mask);
    if (source.ok()) source_id = (*source)->source.id;
  }
  parts_.intake->report().Refused(
      {.event = "request refused", .source_id = source_id, .reason = reason, .detail = detail});
}

HttpResponse Api::TooLarge(const HttpRequest& head, const intake::BodyLimit& limit) const {
  const absl::Status refusal = intake::TooLarge(limit);
  if (IsIngestPath(head.path)) {
    ReportOf(head, intake::ingest_refusal::kTooLarge, refusal.message());
  }
  HttpResponse response = FromStatus(refusal);
  response.headers.push_back({"Connection", "close"});
  return response;
}

intake::BodyLimit Api::LimitFor(const HttpRequest& head) const {
  intake::BodyLimit limit{options_.body_bytes_max, "the gateway's body_bytes_max"};
  if (!IsIngestPath(head.path)) return limit;
  const absl::StatusOr<IngestTarget> target = TargetOf(head.path);
  if (!target.ok()) return limit;
  const auto source = parts_.configuration->FindSourceByMask(target->mask);
  if (!source.ok()) return limit;
  const auto project = parts_.configuration->FindProject((*source)->source.project_id);
  return project.ok() ? intake::LimitOf(options_, (*project)->project().config) : limit;
}

HttpResponse Api::RefuseTooLarge(const HttpRequest& head) const {
  HttpResponse response = TooLarge(head, LimitFor(head));
  Stamp(head.method, response);
  return response;
}

HeadDecision Api::DecideOnHead(const HttpRequest& head) const {
  intake::BodyLimit limit = LimitFor(head);
  if (IsIngestPath(head.path)) {
    const absl::StatusOr<IngestTarget> target = TargetOf(head.path);
    if (!target.ok()) return {.refusal = RefuseUnknownLink()};
    if (auto refusal = RefuseLoop(head)) return {.refusal = std::move(refusal)};
    const auto source = parts_.configuration->FindSourceByMask(target->mask);
    if (absl::IsNotFound(source.status())) return {.refusal = RefuseUnknownLink()};
    if (!source.ok()) return {.refusal = FromStatus(source.status())};
    const auto project = parts_.configuration->FindProject((*source)->source.project_id);
    if (!project.ok()) return {.refusal = FromStatus(project.status())};
  } else if (IsApiPath(head.path)) {
    Admission admission = RouteAndAuthorize(parts_, head, Origin::kNetwork);
    if (admission.refusal.has_value()) return {.refusal = std::move(admission.refusal)};
  } else if (IsMetricsPath(options_, head.path)) {
    const absl::Status authorized = AuthorizeMetrics(options_, head);
    if (!authorized.ok()) return {.refusal = FromStatus(authorized)};
    limit.bytes_max = std::min(limit.bytes_max, kUnusedBodyBytesMax);
  } else if (IsHealthPath(head.path) || head.path == kOpenApiPath) {
    limit.bytes_max = std::min(limit.bytes_max, kUnusedBodyBytesMax);
  } else {
    return {.is_declined = true};
  }
  const absl::StatusOr<std::optional<uint64_t>> length = ContentLength(head);
  if (!length.ok()) return {.refusal = FromStatus(length.status())};
  if (length->value_or(0) > limit.bytes_max) return {.refusal = TooLarge(head, limit)};
  return {.body_bytes_max = limit.bytes_max};
}

}  // namespace convoy::http

// Declared with the gateway, because hosts ask there; it is an answer like the others.
namespace convoy {

HttpResponse Gateway::OverloadedResponse() {
  HttpResponse response = http::TryLater("too many requests are under way, try again later");
  response.headers.push_back({"Connection", "close"});
  return response;
}

}  // namespace convoy

// Which part of the house a request belongs to, and what must be true before its handler runs.
#include "lib/http/api.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/authentication.h"
#include "lib/http/context.h"
#include "lib/http/envelope.h"
#include "lib/http/handlers.h"
#include "lib/http/router.h"

namespace convoy::http {
namespace {

constexpr std::string_view kApiPrefix = "/api/v1/";
constexpr std::string_view kIngestPrefix = "/ingest/";

bool IsApiPath(std::string_view path) { return path.starts_with(kApiPrefix); }
bool IsIngestPath(std::string_view path) { return path.starts_with(kIngestPrefix); }
bool IsHealthPath(std::string_view path) { return path == "/healthz" || path == "/readyz"; }

HttpResponse Health(const ApiParts& parts, const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return Failure(405, "method not allowed");
  }
  if (request.path == "/healthz") return Success(200, "alive");
  const absl::Status writable = parts.storage->CheckWritable();
  return writable.ok() ? Success(200, "ready") : Failure(503, "the store is not writable");
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

// Finds route, key and project; what is wrong is the status. `out_match` is set in any case.
absl::Status Admit(const ApiParts& parts, const HttpRequest& request, RouteMatch* out_match,
                   Snapshot* out_project) {
  CONVOY_ASSIGN_OR_RETURN(const std::shared_ptr<const ApiKey> key, Authenticate(parts, request));
  *out_match = MatchRoute(request.method, request.path);
  if (out_match->route == nullptr) return absl::OkStatus();
  const std::string project_id =
      out_match->captures.empty() ? std::string() : out_match->captures.front();
  CONVOY_RETURN_IF_ERROR(Authorize(*key, out_match->route->access, project_id));
  if (project_id.empty()) return absl::OkStatus();
  absl::StatusOr<Snapshot> project = parts.configuration->FindProject(project_id);
  if (absl::IsNotFound(project.status())) return absl::NotFoundError("project not found");
  if (!project.ok()) return project.status();
  *out_project = *std::move(project);
  return absl::OkStatus();
}

absl::StatusOr<std::string> MaskOf(std::string_view path) {
  const std::string_view mask = path.substr(kIngestPrefix.size());
  const auto decoded = base::PercentDecode(mask);
  if (!decoded.has_value() || decoded->empty() || decoded->find('/') != std::string::npos) {
    return absl::NotFoundError("Resource not found");
  }
  return *decoded;
}

}  // namespace

Api::Api(const GatewayOptions& options, ApiParts parts) : options_(options), parts_(parts) {}

std::optional<Reply> Api::Handle(const HttpRequest& request) const {
  std::optional<Reply> reply = Dispatch(request);
  if (!reply.has_value()) return reply;
  if (auto* response = std::get_if<HttpResponse>(&*reply)) {
    Stamp(*response);
  } else {
    auto& pending = std::get<PendingWrite>(*reply);
    pending.finish = [this, finish = std::move(pending.finish)](const CommitResult& result) {
      Reply finished = finish(result);
      if (auto* response = std::get_if<HttpResponse>(&finished)) Stamp(*response);
      return finished;
    };
  }
  return reply;
}

void Api::Stamp(HttpResponse& response) const {
  response.headers.push_back({"X-Request-ID", parts_.ulids->Next()});
}

std::optional<Reply> Api::Dispatch(const HttpRequest& request) const {
  if (IsHealthPath(request.path)) return Health(parts_, request);
  if (IsIngestPath(request.path)) {
    absl::StatusOr<std::string> mask = MaskOf(request.path);
    if (!mask.ok()) return FromStatus(mask.status());
    return Ingest({.options = &options_,
                   .parts = &parts_,
                   .request = &request,
                   .captures = {*std::move(mask)}});
  }
  if (!IsApiPath(request.path)) return std::nullopt;

  const auto content_type = base::FindHeader(request.headers, "Content-Type");
  if (content_type.has_value() && !content_type->empty() &&
      !base::EqualsIgnoreCase(content_type->substr(0, 16), "application/json")) {
    return Failure(415, "Content-Type must be application/json");
  }
  RouteMatch match;
  Context context{.options = &options_, .parts = &parts_, .request = &request};
  const absl::Status admitted = Admit(parts_, request, &match, &context.project);
  if (!admitted.ok()) return FromStatus(admitted);
  if (match.route == nullptr) {
    return match.is_path_known ? Failure(405, "method not allowed")
                               : Failure(404, "there is nothing at this path");
  }
  if (request.body.size() > options_.body_bytes_max) {
    return Failure(413, "request body too large");
  }
  context.captures = std::move(match.captures);
  return match.route->handle(context);
}

HeadDecision Api::InspectHead(const HttpRequest& head) const {
  uint64_t body_bytes_max = options_.body_bytes_max;
  if (IsIngestPath(head.path)) {
    const absl::StatusOr<std::string> mask = MaskOf(head.path);
    if (!mask.ok()) return {.refusal = FromStatus(mask.status())};
    const auto source = parts_.configuration->FindSourceByMask(*mask);
    if (absl::IsNotFound(source.status())) return {.refusal = Failure(404, "Resource not found")};
    if (!source.ok()) return {.refusal = FromStatus(source.status())};
    const auto project = parts_.configuration->FindProject((*source)->source.project_id);
    if (!project.ok()) return {.refusal = FromStatus(project.status())};
    body_bytes_max = std::min(body_bytes_max, (*project)->project().config.body_bytes_max);
  } else if (IsApiPath(head.path)) {
    RouteMatch match;
    Snapshot project;
    const absl::Status admitted = Admit(parts_, head, &match, &project);
    if (!admitted.ok()) return {.refusal = FromStatus(admitted)};
  }
  const absl::StatusOr<std::optional<uint64_t>> length = ContentLength(head);
  if (!length.ok()) return {.refusal = FromStatus(length.status())};
  if (length->value_or(0) > body_bytes_max) return {.refusal = Gateway::TooLargeResponse()};
  return {.body_bytes_max = body_bytes_max};
}

}  // namespace convoy::http

// Declared with the gateway, because hosts ask there; it is an answer like the others.
namespace convoy {

HttpResponse Gateway::TooLargeResponse() {
  HttpResponse response = http::Failure(413, "request body too large");
  response.headers.push_back({"Connection", "close"});
  return response;
}

}  // namespace convoy

// Tries a source: judges a request that is pasted, or one of its quarantine, and says step by step
// why. Takes nothing in. Not part of Convoy's contract.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "convoy/verifier.h"
#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

// A request is tried in thousands of spellings.
constexpr size_t kBodyBytesMax = 1024 * 1024;
constexpr size_t kHeadersMax = 200;

struct TriedRequest {
  std::string method = "POST";
  std::string url;  // as the provider was given it
  std::string path;
  std::string query;
  Headers headers;
  std::string body;
  absl::Time received_at;
};

absl::Status ReadHeaders(const json::Value& object, Headers* out) {
  const auto add = [out](const std::string& name, const json::Value& value) {
    if (!value.IsString()) return FieldError("headers", "must be texts, or lists of texts");
    out->push_back({name, std::string(value.GetString(), value.GetStringLength())});
    return out->size() <= kHeadersMax
               ? absl::OkStatus()
               : FieldError("headers", absl::StrCat("must not be more than ", kHeadersMax));
  };
  for (const auto& member : object.GetObject()) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    if (!member.value.IsArray()) {
      CONVOY_RETURN_IF_ERROR(add(name, member.value));
      continue;
    }
    for (const json::Value& value : member.value.GetArray()) {
      CONVOY_RETURN_IF_ERROR(add(name, value));
    }
  }
  return absl::OkStatus();
}

// Takes path and query from a URL that the caller gives.
absl::Status SplitUrl(TriedRequest* request) {
  const size_t scheme_end = request->url.find("://");
  if (scheme_end == std::string::npos) return FieldError("url", "must be an http or https URL");
  const size_t path =
      std::min(request->url.find_first_of("/?", scheme_end + 3), request->url.size());
  const size_t query = std::min(request->url.find('?', path), request->url.size());
  request->path = request->url.substr(path, query - path);
  request->query = request->url.substr(std::min(query + 1, request->url.size()));
  return absl::OkStatus();
}

absl::Status ReadPasted(const json::Document& document, TriedRequest* request) {
  json::ObjectReader reader(document);
  std::string body_base64, received_at;
  reader.Read("method", &request->method);
  reader.Read("url", &request->url);
  reader.Read("query", &request->query);
  reader.Read("body", &request->body);
  reader.Read("received_at", &received_at);
  if (const json::Value* headers = reader.Object("headers")) {
    CONVOY_RETURN_IF_ERROR(ReadHeaders(*headers, &request->headers));
  }
  if (reader.Read("body_base64", &body_base64)) {
    auto decoded = base::Base64Decode(body_base64);
    if (!decoded.has_value()) return FieldError("body_base64", "must be base64");
    request->body = *std::move(decoded);
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (!received_at.empty()) {
    const auto time = base::ParseTime(received_at);
    if (!time.has_value()) return FieldError("received_at", "must be an instant (RFC 3339)");
    request->received_at = *time;
  }
  return request->url.empty() ? absl::OkStatus() : SplitUrl(request);
}

absl::Status ReadHeld(const Context& context, const std::string& id, const Source& source,
                      TriedRequest* request) {
  CONVOY_ASSIGN_OR_RETURN(HeldInput input, context.parts->storage->GetHeld(
                                               source.project_id, id, context.parts->clock->Now()));
  if (input.source_id != source.id || input.kind != HeldKind::kQuarantine) {
    return FieldError("held_input_id", "is not that of a request that this source keeps");
  }
  request->method = std::move(input.method);
  request->path = std::move(input.path);
  request->query = std::move(input.query);
  request->headers = std::move(input.headers);
  request->body = std::move(input.body);
  request->received_at = input.received_at;
  return absl::OkStatus();
}

absl::StatusOr<TriedRequest> ReadRequest(const Context& context, const Source& source) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, ParseBody(context));
  json::ObjectReader reader(document);
  std::string held_id;
  reader.Read("held_input_id", &held_id);
  CONVOY_RETURN_IF_ERROR(reader.status());
  TriedRequest request{.path = absl::StrCat("/ingest/", source.mask_id),
                       .received_at = context.parts->clock->Now()};
  CONVOY_RETURN_IF_ERROR(held_id.empty() ? ReadPasted(document, &request)
                                         : ReadHeld(context, held_id, source, &request));
  if (request.body.size() > kBodyBytesMax) {
    return FieldError("body", absl::StrCat("must not be more than ", kBodyBytesMax, " bytes"));
  }
  return request;
}

}  // namespace

Reply ExplainRequest(const Context& context) {
  const std::string& project_id = context.project->project().id;
  const auto source = GetConfig<Source>(*context.parts->storage, project_id, context.capture(1));
  if (!source.ok()) return FromStatus(source.status());
  if (source->type != SourceType::kHttp) {
    return FromStatus(absl::InvalidArgumentError("source does not take events over HTTP"));
  }
  const auto tried = ReadRequest(context, *source);
  if (!tried.ok()) return FromStatus(tried.status());
  std::vector<HeaderView> headers;
  for (const Header& header : tried->headers) headers.push_back({header.name, header.value});
  const std::string url = !tried->url.empty()
                              ? tried->url
                              : intake::PublicUrlOf({.path = tried->path, .query = tried->query},
                                                    context.options->public_url);
  const auto explanation = ExplainSource(*source,
                                         {.method = tried->method,
                                          .url = url,
                                          .path = tried->path,
                                          .query = tried->query,
                                          .headers = headers,
                                          .body = tried->body},
                                         tried->received_at);
  if (!explanation.ok()) return FromStatus(explanation.status());
  return Success(200, "Request judged", *explanation);
}

}  // namespace convoy::http

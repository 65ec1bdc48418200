// Handlers of held inputs: quarantined requests and dead letters. An addition to Convoy's contract.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/written_page.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/release_job.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

constexpr size_t kIdsMax = 1000;

absl::Status ReadKind(const std::string& name, HeldQuery* out) {
  if (name.empty()) return absl::OkStatus();
  out->kind = model::Parse<HeldKind>(name);
  if (out->kind.has_value()) return absl::OkStatus();
  return FieldError("kind", "must be quarantine or dead_letter");
}

absl::StatusOr<HeldQuery> ReadQuery(const Context& context) {
  const std::string_view query = context.request->query;
  HeldQuery wanted{.project_id = context.project->project().id,
                   .reason = ParameterOf(query, "reason"),
                   .now = context.parts->clock->Now()};
  CONVOY_ASSIGN_OR_RETURN(wanted.source_ids, ParameterList(query, "sourceId"));
  CONVOY_RETURN_IF_ERROR(ReadKind(ParameterOf(query, "kind"), &wanted));
  return wanted;
}

// Finds the sources of inputs, each once.
class SourcesOf {
 public:
  explicit SourcesOf(const Context& context)
      : storage_(*context.parts->storage), project_id_(context.project->project().id) {}

  // Null if there is none (any more).
  absl::StatusOr<const Source*> Find(const std::string& id) {
    const auto known = sources_.find(id);
    if (known != sources_.end()) return known->second.has_value() ? &*known->second : nullptr;
    absl::StatusOr<Source> source = GetConfig<Source>(storage_, project_id_, id);
    if (!source.ok() && !absl::IsNotFound(source.status())) return source.status();
    std::optional<Source>& entry = sources_[id];
    if (source.ok()) entry = *std::move(source);
    return entry.has_value() ? &*entry : nullptr;
  }

 private:
  Storage& storage_;
  const std::string project_id_;
  std::map<std::string, std::optional<Source>> sources_;
};

// Without the bodies: only their sizes are shown.
absl::StatusOr<Page<std::string>> WriteHeldInputs(const Context& context, const HeldQuery& query,
                                                  const PageRequest& request) {
  SourcesOf sources(context);
  return WritePage(
      request,
      [&](const PageRequest& part) { return context.parts->storage->ListHeld(query, part); },
      [&](const HeldInput& input) -> absl::StatusOr<std::string> {
        CONVOY_ASSIGN_OR_RETURN(const Source* const source, sources.Find(input.source_id));
        return ToJson(
            [&](json::Writer& writer) { WriteHeld(writer, input, source, /*has_body=*/false); });
      });
}

absl::StatusOr<ReleaseRequest> ReadRelease(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, ParseBody(context));
  json::ObjectReader reader(document);
  ReleaseRequest request{.query = {.project_id = context.project->project().id}};
  std::string source_id, kind;
  reader.Read("source_id", &source_id);
  reader.Read("kind", &kind);
  reader.Read("reason", &request.query.reason);
  request.has_ids = reader.Read("ids", &request.ids);
  reader.Read("next_page_cursor", &request.query.from_id);
  CONVOY_RETURN_IF_ERROR(reader.status());
  CONVOY_RETURN_IF_ERROR(ReadKind(kind, &request.query));
  if (!source_id.empty()) {
    CONVOY_RETURN_IF_ERROR(
        GetConfig<Source>(*context.parts->storage, request.query.project_id, source_id).status());
    request.query.source_ids = {source_id};
  }
  if (request.has_ids && (request.ids.empty() || request.ids.size() > kIdsMax)) {
    return FieldError("ids", absl::StrCat("must name 1 to ", kIdsMax, " held inputs"));
  }
  // Oldest first, and naming one twice does not make two of it.
  std::sort(request.ids.begin(), request.ids.end());
  request.ids.erase(std::unique(request.ids.begin(), request.ids.end()), request.ids.end());
  return request;
}

}  // namespace

Reply ListHeldInputs(const Context& context) {
  const auto query = ReadQuery(context);
  if (!query.ok()) return FromStatus(query.status());
  const PageRequest request = ParsePage(context.request->query);
  const auto page = WriteHeldInputs(context, *query, request);
  if (!page.ok()) return FromStatus(page.status());
  return Success(200, "Held inputs fetched successfully", WrittenPageToJson(*page, request));
}

Reply GetHeldInput(const Context& context) {
  const auto input = context.parts->storage->GetHeld(
      context.project->project().id, context.capture(1), context.parts->clock->Now());
  if (!input.ok()) return FromStatus(input.status());
  SourcesOf sources(context);
  const auto source = sources.Find(input->source_id);
  if (!source.ok()) return FromStatus(source.status());
  return Success(200, "Held input fetched successfully", ToJson([&](json::Writer& writer) {
                   WriteHeld(writer, *input, *source, /*has_body=*/true);
                 }));
}

Reply DeleteHeldInput(const Context& context) {
  PendingWrite pending;
  pending.batch.releases.push_back(
      {.project_id = context.project->project().id, .held_id = context.capture(1)});
  pending.finish = [](const CommitResult& result) -> Reply {
    if (!result.status.ok()) return FromStatus(result.status);
    return Success(200, "Held input deleted successfully");
  };
  return pending;
}

Reply ReleaseHeldInputs(const Context& context) {
  absl::StatusOr<ReleaseRequest> request = ReadRelease(context);
  if (!request.ok()) return FromStatus(request.status());
  return ReleaseInputs(*context.options, *context.parts, *std::move(request));
}

}  // namespace convoy::http

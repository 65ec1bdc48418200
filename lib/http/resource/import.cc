// `POST /api/v1/import`: an addition to Convoy's contract, for who moves from Convoy. All of a
// document is stored in one transaction, or nothing; `?dry_run=true` only says what would be done.
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/import_plan.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

// Of a document, which is larger than what the API takes otherwise.
constexpr json::Limits kDocumentLimits = {.values_max = 5'000'000};

void WriteCounts(json::Writer& writer, std::string_view key,
                 const std::map<std::string, size_t>& counts) {
  writer.Key(key).BeginObject();
  for (const char* list : {"projects", "sources", "endpoints", "subscriptions", "api_keys"}) {
    const auto found = counts.find(list);
    writer.Field(list, found == counts.end() ? size_t{0} : found->second);
  }
  writer.EndObject();
}

void WriteNotes(json::Writer& writer, const std::string& key, const ImportNotes& notes) {
  writer.Key(key).BeginArray();
  for (const ImportNote& note : notes.first) {
    writer.BeginObject().Field("object", note.object).Field("reason", note.reason).EndObject();
  }
  writer.EndArray();
  writer.Field(absl::StrCat(key, "_count"), notes.count);
}

std::string PlanToJson(const ImportPlan& plan, bool is_dry_run) {
  return ToJson([&](json::Writer& writer) {
    writer.BeginObject().Field("dry_run", is_dry_run);
    WriteCounts(writer, "created", plan.created);
    WriteCounts(writer, "existing", plan.existing);
    WriteNotes(writer, "refused", plan.refused);
    WriteNotes(writer, "skipped", plan.skipped);
    writer.EndObject();
  });
}

// Errors have no data in Convoy's envelope; this one has the list of what is refused.
HttpResponse Refused(const ImportPlan& plan) {
  const ImportNote& first = plan.refused.first.front();
  json::Writer writer;
  writer.BeginObject()
      .Field("status", false)
      .Field("message", absl::StrCat("nothing was imported, ", plan.refused.count,
                                     " refused; the first: ", first.object, " ", first.reason));
  writer.Key("data").Raw(PlanToJson(plan, /*is_dry_run=*/false)).EndObject();
  return {
      .status = 400, .headers = {{"Content-Type", "application/json"}}, .body = writer.TakeText()};
}

// The writes of a plan, each guarded by the revision that it was made with.
std::vector<ConfigWrite> WritesOf(ImportPlan& plan) {
  std::vector<ConfigWrite> writes;
  if (!plan.instance_write.puts.empty()) writes.push_back(std::move(plan.instance_write));
  for (auto& [project_id, write] : plan.project_writes) {
    if (!write.puts.empty()) writes.push_back(std::move(write));
  }
  return writes;
}

absl::StatusOr<Reply> Prepare(const Context& context, const json::Document& document,
                              bool is_dry_run) {
  CONVOY_ASSIGN_OR_RETURN(ImportPlan plan, PlanImport(document, *context.options, *context.parts));
  if (is_dry_run) {
    return Success(200, "Import checked, nothing has been changed", PlanToJson(plan, true));
  }
  if (plan.refused.count > 0) return Refused(plan);
  std::string data = PlanToJson(plan, false);
  std::vector<ConfigWrite> writes = WritesOf(plan);
  if (writes.empty()) return Success(200, "Imported successfully", data);
  PendingWrite pending;
  pending.batch.config = std::move(writes);
  // Runs on the thread that syncs, which must not wait for another plan: an import that was
  // overtaken is refused, and may be repeated.
  pending.finish = [parts = context.parts,
                    data = std::move(data)](const CommitResult& result) -> Reply {
    if (!result.status.ok()) return FromStatus(result.status);
    if (parts->consumers != nullptr) parts->consumers->ReconcileNow();
    return Success(200, "Imported successfully", data);
  };
  return pending;
}

}  // namespace

Reply ImportFromConvoy(const Context& context) {
  const absl::StatusOr<json::Document> document = ParseBody(context, kDocumentLimits);
  if (!document.ok()) return FromStatus(document.status());
  const bool is_dry_run = ParameterOf(context.request->query, "dry_run") == "true";
  absl::StatusOr<Reply> reply = Prepare(context, *document, is_dry_run);
  return reply.ok() ? *std::move(reply) : FromStatus(reply.status());
}

}  // namespace convoy::http

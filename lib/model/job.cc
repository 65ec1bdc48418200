// Stored form of jobs: a JSON document, and the fields that say which jobs are open.
#include "lib/model/job.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"
#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"

namespace convoy::model {
namespace {

constexpr std::array<std::string_view, 4> kKinds = {"fanout", "replay", "batch_retry",
                                                    "batch_replay"};
constexpr std::array<std::string_view, 4> kStates = {"open", "done", "cancelled", "failed"};
constexpr std::array<std::string_view, 3> kAudiences = {"matching", "owner", "delivered"};

constexpr std::string_view kOpen = "open";
constexpr std::string_view kEnded = "ended";

template <typename Enum, size_t kCount>
void ReadName(json::ObjectReader& reader, std::string_view key,
              const std::array<std::string_view, kCount>& names, Enum* out) {
  std::string name;
  reader.Read(key, &name);
  for (size_t i = 0; i < kCount; ++i) {
    if (names[i] != name) continue;
    *out = static_cast<Enum>(i);
    return;
  }
  reader.Fail(absl::DataLossError(absl::StrCat("stored field ", key, " has an unknown value")));
}

// Open ends of a range are left out.
void WriteRange(json::Writer& writer, absl::Time from, absl::Time until) {
  if (from != absl::InfinitePast()) WriteTime(writer, "from_us", from);
  if (until != absl::InfiniteFuture()) WriteTime(writer, "until_us", until);
}

void ReadRange(json::ObjectReader& reader, absl::Time* from, absl::Time* until) {
  if (reader.Has("from_us")) ReadTime(reader, "from_us", from);
  if (reader.Has("until_us")) ReadTime(reader, "until_us", until);
}

void WriteFilter(json::Writer& writer, const DeliveryQuery& query) {
  writer.Key("deliveries").BeginObject();
  writer.FieldIfSet("event_id", query.event_id)
      .FieldIfSet("subscription_id", query.subscription_id)
      .FieldIfSet("idempotency_key", query.idempotency_key)
      .FieldIfSet("event_type", query.event_type);
  WriteTexts(writer, "endpoint_ids", query.endpoint_ids);
  writer.Key("statuses").BeginArray();
  for (const DeliveryStatus status : query.statuses) writer.String(Name(status));
  writer.EndArray();
  WriteRange(writer, query.created_from, query.created_until);
  writer.EndObject();
}

void ReadFilter(json::ObjectReader& parent, DeliveryQuery* out) {
  const json::Value* const object = parent.Object("deliveries");
  if (object == nullptr) return;
  json::ObjectReader reader(*object);
  reader.Read("event_id", &out->event_id);
  reader.Read("subscription_id", &out->subscription_id);
  reader.Read("idempotency_key", &out->idempotency_key);
  reader.Read("event_type", &out->event_type);
  reader.Read("endpoint_ids", &out->endpoint_ids);
  std::vector<std::string> names;
  reader.Read("statuses", &names);
  for (const std::string& name : names) {
    const auto status = Parse<DeliveryStatus>(name);
    if (status.has_value()) out->statuses.push_back(*status);
    if (!status.has_value()) parent.Fail(absl::DataLossError("stored field statuses"));
  }
  ReadRange(reader, &out->created_from, &out->created_until);
  parent.Fail(reader.status());
}

void WriteFilter(json::Writer& writer, const EventQuery& query) {
  writer.Key("events").BeginObject();
  WriteTexts(writer, "endpoint_ids", query.endpoint_ids);
  WriteTexts(writer, "source_ids", query.source_ids);
  writer.FieldIfSet("idempotency_key", query.idempotency_key)
      .FieldIfSet("event_type", query.event_type);
  WriteRange(writer, query.created_from, query.created_until);
  writer.EndObject();
}

void ReadFilter(json::ObjectReader& parent, EventQuery* out) {
  const json::Value* const object = parent.Object("events");
  if (object == nullptr) return;
  json::ObjectReader reader(*object);
  reader.Read("endpoint_ids", &out->endpoint_ids);
  reader.Read("source_ids", &out->source_ids);
  reader.Read("idempotency_key", &out->idempotency_key);
  reader.Read("event_type", &out->event_type);
  ReadRange(reader, &out->created_from, &out->created_until);
  parent.Fail(reader.status());
}

std::string DocumentOf(const Job& job) {
  json::Writer writer;
  writer.BeginObject()
      .Field("kind", Name(job.kind))
      .Field("state", Name(job.state))
      .FieldIfSet("error", job.error);
  if (job.kind == JobKind::kBatchRetry) {
    WriteFilter(writer, job.deliveries);
  } else if (job.kind == JobKind::kBatchReplay) {
    WriteFilter(writer, job.events);
  } else {
    writer.Field("event_id", job.event_id)
        .Field("audience", kAudiences[static_cast<size_t>(job.audience)])
        .FieldIfSet("source_id", job.source_id)
        .FieldIfSet("owner_id", job.owner_id);
    WriteTime(writer, "deliveries_at_us", job.deliveries_at);
  }
  writer.FieldIfSet("cursor", job.cursor)
      .FieldIfSet("cursor_endpoint", job.cursor_endpoint)
      .Field("expected", job.expected_count)
      .Field("seen", job.seen_count)
      .Field("done", job.done_count)
      .Field("skipped", job.skipped_count);
  WriteTime(writer, "created_at_us", job.created_at);
  WriteTime(writer, "updated_at_us", job.updated_at);
  writer.EndObject();
  return writer.TakeText();
}

}  // namespace

std::string_view Name(JobKind kind) { return kKinds[static_cast<size_t>(kind)]; }
std::string_view Name(JobState state) { return kStates[static_cast<size_t>(state)]; }

std::string JobScopeOf(std::string_view project_id) { return absl::StrCat("jobs/", project_id); }

ConfigRecord EncodeJob(const Job& job) {
  ConfigRecord record;
  record.kind = ConfigKind::kJob;
  record.id = job.id;
  record.project_id = job.project_id;
  record.fields = {JobScopeOf(job.project_id), std::string(job.is_open() ? kOpen : kEnded),
                   job.is_open() ? "yes" : ""};
  record.document = DocumentOf(job);
  return record;
}

absl::StatusOr<Job> DecodeJob(const ConfigRecord& record) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(record.document, {}));
  json::ObjectReader reader(document);
  Job job{.id = record.id, .project_id = record.project_id};
  ReadName(reader, "kind", kKinds, &job.kind);
  ReadName(reader, "state", kStates, &job.state);
  reader.Read("error", &job.error);
  if (job.kind == JobKind::kBatchRetry) {
    job.deliveries.project_id = record.project_id;
    ReadFilter(reader, &job.deliveries);
  } else if (job.kind == JobKind::kBatchReplay) {
    job.events.project_id = record.project_id;
    ReadFilter(reader, &job.events);
  } else {
    reader.Read("event_id", &job.event_id);
    ReadName(reader, "audience", kAudiences, &job.audience);
    reader.Read("source_id", &job.source_id);
    reader.Read("owner_id", &job.owner_id);
    ReadTime(reader, "deliveries_at_us", &job.deliveries_at);
  }
  reader.Read("cursor", &job.cursor);
  reader.Read("cursor_endpoint", &job.cursor_endpoint);
  reader.Read("expected", &job.expected_count);
  reader.Read("seen", &job.seen_count);
  reader.Read("done", &job.done_count);
  reader.Read("skipped", &job.skipped_count);
  ReadTime(reader, "created_at_us", &job.created_at);
  ReadTime(reader, "updated_at_us", &job.updated_at);
  if (!reader.status().ok()) {
    return absl::DataLossError(absl::StrCat("job ", record.id, ": ", reader.status().message()));
  }
  return job;
}

ConfigQuery OpenJobs() {
  return {.kind = ConfigKind::kJob, .conditions = {{.field = "open", .values = {"yes"}}}};
}

ConfigQuery OpenJobsOf(std::string_view project_id) {
  return {.kind = ConfigKind::kJob,
          .project_id = std::string(project_id),
          .conditions = {{.field = "state", .values = {std::string(kOpen)}}}};
}

ConfigQuery EndedJobsOf(std::string_view project_id) {
  return {.kind = ConfigKind::kJob,
          .project_id = std::string(project_id),
          .conditions = {{.field = "state", .values = {std::string(kEnded)}}}};
}

ConfigWrite NewJobWrite(const Job& job) {
  ConfigWrite write;
  write.scope = JobScopeOf(job.project_id);
  write.puts.push_back(EncodeJob(job));
  write.is_unconditional = true;
  return write;
}

size_t CountJobs(const WriteBatch& batch) {
  size_t count = 0;
  for (const ConfigWrite& write : batch.config) {
    count += std::count_if(write.puts.begin(), write.puts.end(), [](const ConfigRecord& record) {
      return record.kind == ConfigKind::kJob;
    });
  }
  return count;
}

std::optional<Job> FindJob(const WriteBatch& batch) {
  for (const ConfigWrite& write : batch.config) {
    for (const ConfigRecord& record : write.puts) {
      if (record.kind != ConfigKind::kJob) continue;
      absl::StatusOr<Job> job = DecodeJob(record);
      if (job.ok()) return *std::move(job);
    }
  }
  return std::nullopt;
}

}  // namespace convoy::model

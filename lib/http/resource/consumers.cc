// Status of a source's consumers. An addition to Convoy's contract.
#include <algorithm>
#include <optional>
#include <vector>

#include "convoy/config_read.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

using consume::ConsumerCounters;
using consume::ConsumerState;
using consume::ConsumerStatus;

// Of several workers the one that needs attention most speaks for all.
int UrgencyOf(ConsumerState state) {
  switch (state) {
    case ConsumerState::kMisconfigured:
      return 4;
    case ConsumerState::kBackingOff:
      return 3;
    case ConsumerState::kStopped:
      return 2;
    case ConsumerState::kConnecting:
      return 1;
    case ConsumerState::kRunning:
      return 0;
  }
  return 0;
}

const ConsumerStatus& MostUrgent(const std::vector<ConsumerStatus>& workers) {
  return *std::max_element(workers.begin(), workers.end(),
                           [](const ConsumerStatus& a, const ConsumerStatus& b) {
                             return UrgencyOf(a.state) < UrgencyOf(b.state);
                           });
}

void WriteOptionalTime(json::Writer& writer, std::string_view key, absl::Time time) {
  if (time == absl::InfinitePast()) {
    WriteNullField(writer, key);
  } else {
    WriteTimeField(writer, key, time);
  }
}

void WriteError(json::Writer& writer, const ConsumerStatus& status) {
  if (status.last_error.empty()) {
    WriteNullField(writer, "last_error");
  } else {
    writer.Field("last_error", status.last_error);
  }
  WriteOptionalTime(writer, "last_error_at", status.last_error_at);
}

void WriteCounters(json::Writer& writer, const ConsumerCounters& counters) {
  writer.Field("received", counters.received)
      .Field("accepted", counters.accepted)
      .Field("duplicates", counters.duplicates)
      .Field("redelivered", counters.redelivered)
      .Field("dead_letters", counters.dead_letters);
}

void WriteOptionalCount(json::Writer& writer, std::string_view key,
                        const std::optional<uint64_t>& count) {
  if (count.has_value()) {
    writer.Field(key, *count);
  } else {
    WriteNullField(writer, key);
  }
}

void WriteLag(json::Writer& writer, const ConsumerStatus& status) {
  WriteOptionalCount(writer, "lag", status.lag);
  WriteOptionalTime(writer, "lag_at", status.lag_at);
  if (status.lag_error.empty()) {
    WriteNullField(writer, "lag_error");
  } else {
    writer.Field("lag_error", status.lag_error);
  }
}

// Of those that know theirs; nullopt if none does.
std::optional<uint64_t> SumOfLags(const std::vector<ConsumerStatus>& workers) {
  std::optional<uint64_t> sum;
  for (const ConsumerStatus& worker : workers) {
    if (worker.lag.has_value()) sum = sum.value_or(0) + *worker.lag;
  }
  return sum;
}

void WriteRedelivered(json::Writer& writer, const ConsumerStatus& status) {
  writer.Field("redelivered_in_a_row", status.redelivered_in_a_row)
      .Field("is_mostly_redelivered", status.is_mostly_redelivered());
  writer.Key("redelivered_last").BeginArray();
  for (const consume::RedeliveredMessage& message : status.redelivered_last) {
    writer.BeginObject().Field("id", message.id);
    writer.Field("position", message.redelivery_id);
    WriteTimeField(writer, "at", message.at);
    writer.EndObject();
  }
  writer.EndArray();
}

ConsumerCounters Sum(const std::vector<ConsumerStatus>& workers) {
  ConsumerCounters sum;
  for (const ConsumerStatus& worker : workers) {
    sum.received += worker.counters.received;
    sum.accepted += worker.counters.accepted;
    sum.duplicates += worker.counters.duplicates;
    sum.redelivered += worker.counters.redelivered;
    sum.dead_letters += worker.counters.dead_letters;
  }
  return sum;
}

void WriteConsumer(json::Writer& writer, const Source& source,
                   const std::vector<ConsumerStatus>& workers) {
  const ConsumerStatus& speaker = MostUrgent(workers);
  absl::Time last_message_at = absl::InfinitePast();
  for (const ConsumerStatus& worker : workers) {
    last_message_at = std::max(last_message_at, worker.last_message_at);
  }
  writer.BeginObject().Field("source_id", source.id).Field("state", Name(speaker.state));
  WriteError(writer, speaker);
  WriteOptionalTime(writer, "last_message_at", last_message_at);
  WriteOptionalCount(writer, "lag", SumOfLags(workers));
  WriteCounters(writer, Sum(workers));
  writer.Key("workers").BeginArray();
  for (const ConsumerStatus& worker : workers) {
    writer.BeginObject().Field("uid", worker.consumer_id).Field("state", Name(worker.state));
    WriteError(writer, worker);
    WriteOptionalTime(writer, "last_message_at", worker.last_message_at);
    WriteLag(writer, worker);
    WriteCounters(writer, worker.counters);
    WriteRedelivered(writer, worker);
    writer.EndObject();
  }
  writer.EndArray().EndObject();
}

}  // namespace

Reply GetConsumer(const Context& context) {
  const ApiParts& parts = *context.parts;
  const auto source =
      GetConfig<Source>(*parts.storage, context.project->project().id, context.capture(1));
  if (!source.ok()) return FromStatus(source.status());
  if (source->type != SourceType::kPubSub || parts.consumers == nullptr) {
    return FromStatus(FieldError("type", "only pub_sub sources have a consumer"));
  }
  const std::vector<ConsumerStatus> workers = parts.consumers->StatusOf(*source);
  return Success(200, "Consumer fetched successfully",
                 ToJson([&](json::Writer& writer) { WriteConsumer(writer, *source, workers); }));
}

}  // namespace convoy::http

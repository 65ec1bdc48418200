// Intake of broker messages. Events take the path of the REST API's (intake.h); added here are
// their source, and the redelivery id that identifies a redelivered message.

#include "lib/intake/broker_intake.h"

#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/intake/broker_envelope.h"
#include "lib/intake/idempotency.h"
#include "lib/intake/message_wrapper.h"
#include "lib/intake/outbox_row.h"
#include "lib/intake/raw_message.h"

namespace convoy::intake {
namespace {

using route::ProjectSnapshot;

// The parts of single batches put together. Messages of one poll may each bring the first
// subscription of the same endpoint: one of them is enough.
class Collector {
 public:
  void Add(WriteBatch one, WriteBatch& out_batch) {
    for (ConfigWrite& write : one.config) {
      if (write.is_unconditional) {  // a job
        out_batch.config.push_back(std::move(write));
        continue;
      }
      // The one write of subscriptions comes first.
      if (out_batch.config.empty() || out_batch.config.front().is_unconditional) {
        out_batch.config.insert(
            out_batch.config.begin(),
            ConfigWrite{.scope = write.scope, .expected_revision = write.expected_revision});
      }
      for (ConfigRecord& record : write.puts) {
        const auto [known, is_new] =
            implicit_.try_emplace(ConfigFieldOf(record, "endpoint_id"), record.id);
        if (is_new) {
          out_batch.config.front().puts.push_back(std::move(record));
        } else {
          for (Delivery& delivery : one.submissions.front().deliveries) {
            delivery.subscription_id = known->second;
          }
        }
      }
    }
    out_batch.submissions.push_back(std::move(one.submissions.front()));
  }

 private:
  absl::flat_hash_map<std::string, std::string> implicit_;  // endpoint id → subscription id
};

absl::StatusOr<WriteBatch> PrepareEvent(const Intake& intake, const ProjectSnapshot& project,
                                        AddressedEvent read) {
  switch (read.type) {
    case MessageType::kFanout:
      return intake.PrepareFanout(project, std::move(read.event), read.owner_id);
    case MessageType::kBroadcast:
      return intake.PrepareBroadcast(project, std::move(read.event));
    case MessageType::kSingle:
      break;
  }
  return intake.PrepareSingle(project, std::move(read.event), read.endpoint_id);
}

// Refusals of intake although the form is right: a project's own rules.
Refusal RefusalOf(const absl::Status& status) {
  return {absl::IsOutOfRange(status) ? refusal::kTooLarge : refusal::kMissingField,
          std::string(status.message())};
}

}  // namespace

std::optional<Refusal> BrokerIntake::Read(const Source& source, const BrokerMessage& message,
                                          FunctionRuns* runs, AddressedEvent* out) const {
  BrokerMessage within;  // a dead letter keeps the message as it came
  const BrokerMessage* read = &message;
  const json::Limits limits{.bytes_max = options_.body_bytes_max, .may_split_pairs = true};
  const auto* sqs = std::get_if<SqsConfig>(&source.broker);
  if (sqs != nullptr && sqs->wrapper != MessageWrapper::kNone) {
    within = message;
    read = &within;
    if (auto refused = TakeOffWrapper(sqs->wrapper, limits, &within)) return refused;
  }
  SourceFunctions functions(options_, source, clock_->Now(), runs);
  if (!source.body_function.empty()) {
    const absl::Status is_json = json::Validate(read->body, limits);
    if (!is_json.ok()) return RefuseFlaw(is_json, read->body, limits);
    auto body = functions.ChangeBody(read->body);
    if (!body.ok()) return Refusal{refusal::kFunctionFailed, std::string(body.status().message())};
    if (read == &message) within = message;
    read = &within;
    within.body = **std::move(body);
  }
  auto refused =
      std::holds_alternative<OutboxConfig>(source.broker) ? ReadOutboxRow(options_, *read, out)
      : source.message_format == MessageFormat::kRaw      ? ReadRawMessage(source, *read, out)
                                                     : ReadEnvelope(options_, source, *read, out);
  if (refused.has_value()) return refused;
  const absl::Status changed = functions.ChangeHeaders(out->event.custom_headers);
  if (!changed.ok()) return Refusal{refusal::kFunctionFailed, std::string(changed.message())};
  return std::nullopt;
}

BrokerIntake::MessageBatch BrokerIntake::PrepareOne(const ProjectSnapshot& project,
                                                    const Source& source,
                                                    const BrokerMessage& message,
                                                    FunctionRuns* runs) const {
  if (message.is_cut) return Refuse(refusal::kCutOff, "body", "only its beginning was read");
  AddressedEvent read;
  if (auto refused = Read(source, message, runs, &read)) return *std::move(refused);
  if (read.type == MessageType::kSingle && project.FindEndpoint(read.endpoint_id) == nullptr) {
    return Refusal{refusal::kUnknownEndpoint, "endpoint_id: the project has no such endpoint"};
  }
  absl::StatusOr<WriteBatch> batch = PrepareEvent(*intake_, project, std::move(read));
  if (!batch.ok()) return RefusalOf(batch.status());
  batch->submissions.front().event.source_id = source.id;
  return *std::move(batch);
}

// `Input` is a Submission or a HeldInputWrite.
template <typename Input>
void BrokerIntake::AddKeys(const Source& source, const BrokerMessage& message, Input& input) const {
  if (message.redelivery_id.empty()) return;
  const absl::Time expires_at = clock_->Now() + options_.redelivery_window;
  input.redelivery = MakeRedeliveryKey(source, message.redelivery_id, expires_at);
  input.redelivery->is_taken_over = !message.may_be_redelivery;
  if (message.former_redelivery_id.empty() || !message.may_be_redelivery) return;
  input.former_redelivery = MakeRedeliveryKey(source, message.former_redelivery_id, expires_at);
}

HeldInputWrite BrokerIntake::MakeHeldInputWrite(const Source& source, const BrokerMessage& message,
                                                const Refusal& refusal) const {
  HeldInput input{.id = ulids_->Next(),
                  .project_id = source.project_id,
                  .source_id = source.id,
                  .kind = HeldKind::kDeadLetter,
                  .reason = std::string(refusal.reason),
                  .detail = refusal.detail,
                  .headers = message.attributes,
                  .body = message.body,
                  .redelivery_id = message.redelivery_id,
                  .received_at = clock_->Now()};
  // Their place is among the headers, as the id's is with events.
  if (!message.key.empty()) input.headers.push_back({std::string(kMessageKeyHeader), message.key});
  if (!message.id.empty()) input.headers.push_back({std::string(kMessageIdHeader), message.id});
  HeldInputWrite hold{
      .input = std::move(input),
      .items_max = options_.dead_letters_max,
      .use_max = {.inputs = options_.held_inputs_max, .bytes = options_.held_bytes_max}};
  AddKeys(source, message, hold);
  return hold;
}

PreparedMessages BrokerIntake::Prepare(const ProjectSnapshot& project, const Source& source,
                                       std::span<const BrokerMessage> messages,
                                       std::span<FunctionRuns> runs) const {
  PreparedMessages prepared;
  prepared.dispositions.reserve(messages.size());
  Collector collector;
  for (size_t i = 0; i < messages.size(); ++i) {
    const BrokerMessage& message = messages[i];
    FunctionRuns* const own_runs = runs.empty() ? nullptr : &runs[i];
    MessageBatch one = PrepareOne(project, source, message, own_runs);
    if (own_runs != nullptr && own_runs->wanted() != nullptr) prepared.wants_functions = true;
    if (prepared.wants_functions) continue;
    if (auto* refused = std::get_if<Refusal>(&one)) {
      prepared.batch.holds.push_back(MakeHeldInputWrite(source, message, *refused));
      prepared.dispositions.push_back({.refusal = std::move(*refused)});
      continue;
    }
    auto& batch = std::get<WriteBatch>(one);
    AddKeys(source, message, batch.submissions.front());
    prepared.dispositions.push_back({.submission = prepared.batch.submissions.size()});
    collector.Add(std::move(batch), prepared.batch);
  }
  return prepared;
}

absl::StatusOr<WriteBatch> BrokerIntake::PrepareHeldMessage(const ProjectSnapshot& project,
                                                            const Source& source,
                                                            const HeldInput& held,
                                                            FunctionRuns* runs) const {
  // A part of a body does not become whole by being tried again.
  BrokerMessage message{
      .body = held.body, .attributes = held.headers, .is_cut = held.reason == refusal::kCutOff};
  const auto take_last = [&message](std::string_view name, std::string* out) {
    Headers& headers = message.attributes;
    if (headers.empty() || !base::EqualsIgnoreCase(headers.back().name, name)) return;
    *out = std::move(headers.back().value);
    headers.pop_back();
  };
  take_last(kMessageIdHeader, &message.id);
  take_last(kMessageKeyHeader, &message.key);
  // Kafka gives no ids: what is kept as one by earlier versions is the key.
  const bool has_ids = !std::holds_alternative<KafkaConfig>(source.broker);
  if (!has_ids && message.key.empty()) message.key = message.id;
  MessageBatch one = PrepareOne(project, source, message, runs);
  if (const auto* refused = std::get_if<Refusal>(&one)) {
    return absl::InvalidArgumentError(absl::StrCat(refused->reason, ": ", refused->detail));
  }
  // No redelivery key: the redelivery id is taken, by the dead letter itself. That it is released
  // once is what keeps the event from being made twice.
  auto& batch = std::get<WriteBatch>(one);
  batch.releases.push_back({.project_id = held.project_id, .held_id = held.id});
  return std::move(batch);
}

}  // namespace convoy::intake

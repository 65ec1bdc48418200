// Samples for a store under test, and helpers that store them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/base/ulid.h"

namespace convoy::testing {

// A round instant, so that times in a failure are easy to read: 2026-05-01T10:00:00Z.
inline absl::Time SampleEpoch() { return absl::FromUnixSeconds(1'777'629'600); }

// A ULID that ascends with `number`. (Of sources it is none, as their kind is 'O': ids of
// configuration are texts.)
inline std::string Id(char kind, int number) {
  std::string digits = std::to_string(number);
  return std::string("00") + kind + std::string(23 - digits.size(), '0') + digits;
}

// A ULID made `number` seconds after the epoch, which ends with `number`.
inline std::string EventId(int number) {
  constexpr size_t kTimeSize = 10;
  return base::LeastUlidAt(SampleEpoch() + absl::Seconds(number)).substr(0, kTimeSize) +
         Id('0', number).substr(kTimeSize);
}

inline Project MakeProject(int number) {
  return {.id = Id('P', number),
          .name = "project " + std::to_string(number),
          .created_at = SampleEpoch(),
          .updated_at = SampleEpoch()};
}

inline Endpoint MakeEndpoint(const std::string& project_id, int number) {
  return {.id = Id('E', number),
          .project_id = project_id,
          .owner_id = "owner",
          .name = "Endpoint " + std::to_string(number),
          .url = "http://x.test/",
          .created_at = SampleEpoch(),
          .updated_at = SampleEpoch()};
}

inline Source MakeSource(const std::string& project_id, int number) {
  return {.id = Id('O', number),
          .project_id = project_id,
          .mask_id = "source mask " + std::to_string(number),
          .name = "Source " + std::to_string(number),
          .created_at = SampleEpoch(),
          .updated_at = SampleEpoch()};
}

inline Subscription MakeSubscription(const std::string& project_id, int number, int endpoint) {
  return {.id = Id('S', number),
          .project_id = project_id,
          .name = "Subscription " + std::to_string(number),
          .endpoint_id = Id('E', endpoint),
          .created_at = SampleEpoch(),
          .updated_at = SampleEpoch()};
}

inline ApiKey MakeApiKey(const std::string& project_id, int number) {
  return {.id = Id('K', number),
          .name = "Key " + std::to_string(number),
          .mask_id = "key mask " + std::to_string(number),
          .salt = std::string("\0\xff", 2),
          .hash = std::string("\xfe\0", 2),
          .project_id = project_id,
          .created_at = SampleEpoch()};
}

// Created `number` seconds after the epoch. Its body and headers are not text.
inline Event MakeEvent(const std::string& project_id, int number) {
  return {.id = EventId(number),
          .project_id = project_id,
          .event_type = "type",
          .headers = {{"X-A", "1"}, {"x-a", std::string("\xff\x01 é")}},
          .body = std::string("\0\xff binary", 9),
          .content_type = "application/octet-stream",
          .url_query = "a=1",
          .url_path = "/ingest/x",
          .status = EventStatus::kSuccess,
          .created_at = SampleEpoch() + absl::Seconds(number),
          .acknowledged_at = SampleEpoch()};
}

inline Delivery MakeDelivery(const Event& event, const std::string& endpoint_id, int number,
                             absl::Time due_at) {
  return {.id = Id('D', number),
          .project_id = event.project_id,
          .event_id = event.id,
          .endpoint_id = endpoint_id,
          .subscription_id = Id('S', 1),
          .event_type = event.event_type,
          .idempotency_key = event.idempotency_key,
          .retry = {RetryStrategy::kExponential, absl::Seconds(7), 3},
          .due_at = due_at,
          .created_at = event.created_at,
          .updated_at = event.created_at};
}

inline Attempt MakeAttempt(const Delivery& delivery, int number) {
  return {.id = Id('A', number),
          .project_id = delivery.project_id,
          .delivery_id = delivery.id,
          .endpoint_id = delivery.endpoint_id,
          .url = "http://x.test/",
          .request_headers = {{"a", "b"}},
          .http_status = 500,
          .response_headers = {{"c", "\xff"}},
          .response_body = std::string("\0\xfe", 2),
          .remote_ip = "192.0.2.1",
          .error = "why",
          .requested_at = SampleEpoch(),
          .responded_at = SampleEpoch() + absl::Milliseconds(1)};
}

inline Attempt MakeTimedAttempt(const Delivery& delivery, int number) {
  Attempt attempt = MakeAttempt(delivery, number);
  attempt.phases = {.name_lookup = absl::Microseconds(number),
                    .tls = absl::Microseconds(300),
                    .first_byte = absl::Seconds(2)};
  attempt.elapsed = absl::Seconds(3) + absl::Microseconds(1);
  return attempt;
}

// Received `number` seconds after the epoch, for good. Nothing in it need be text.
inline HeldInput MakeHeld(const std::string& project_id, int number, int source) {
  return {.id = Id('H', number),
          .project_id = project_id,
          .source_id = Id('O', source),
          .reason = "signature_mismatch",
          .detail = "why",
          .method = "POST",
          .path = "/ingest/x",
          .query = "a=%FF",
          .headers = {{"X-A", "1"}, {"x-a", std::string("\xff\x01 é")}},
          .body = std::string("\0\xff binary", 9),
          .redelivery_id = std::string("queue/\0\xfe", 8),
          .received_at = SampleEpoch() + absl::Seconds(number)};
}

// Commits one batch alone. A failure of the commit as a whole is in the result, too.
inline CommitResult CommitOne(Storage& storage, WriteBatch batch) {
  WriteBatch* const batches[] = {&batch};
  CommitResult results[1];
  const absl::Status status = storage.Commit(batches, results);
  if (!status.ok()) results[0].status = status;
  return std::move(results[0]);
}

inline CommitResult Put(Storage& storage, const std::string& scope, uint64_t revision,
                        std::vector<ConfigRecord> objects) {
  WriteBatch batch;
  batch.config.push_back(
      {.scope = scope, .expected_revision = revision, .puts = std::move(objects)});
  return CommitOne(storage, std::move(batch));
}

// Against whatever revision the scope has.
inline CommitResult PutNow(Storage& storage, const std::string& scope,
                           std::vector<ConfigRecord> objects) {
  const uint64_t revision = storage.ConfigRevision(scope).value_or(0);
  return Put(storage, scope, revision, std::move(objects));
}

inline CommitResult RemoveNow(Storage& storage, const std::string& scope, ConfigRef ref) {
  WriteBatch batch;
  batch.config.push_back({.scope = scope,
                          .expected_revision = storage.ConfigRevision(scope).value_or(0),
                          .removes = {std::move(ref)}});
  return CommitOne(storage, std::move(batch));
}

inline CommitResult Submit(Storage& storage, Event event, std::vector<Delivery> deliveries,
                           std::optional<DedupeKey> dedupe = std::nullopt) {
  WriteBatch batch;
  batch.submissions.push_back({.event = std::move(event),
                               .deliveries = std::move(deliveries),
                               .dedupe = std::move(dedupe)});
  return CommitOne(storage, std::move(batch));
}

inline CommitResult HoldOne(Storage& storage, HeldInput input, uint32_t items_max = 0,
                            std::optional<DedupeKey> redelivery = std::nullopt) {
  WriteBatch batch;
  batch.holds.push_back(
      {.input = std::move(input), .items_max = items_max, .redelivery = std::move(redelivery)});
  return CommitOne(storage, std::move(batch));
}

inline CommitResult Update(Storage& storage, DeliveryUpdate update) {
  WriteBatch batch;
  batch.updates.push_back(std::move(update));
  return CommitOne(storage, std::move(batch));
}

}  // namespace convoy::testing

// What the tests of stores share: making stores and the things that go into them.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "convoy/gateway.h"
#include "convoy/storage.h"
#include "tests/support/sim_clock.h"

namespace convoy::testing {

// A database file of its own, gone with the object.
class TemporaryFile {
 public:
  TemporaryFile() {
    static std::atomic<int> count = 0;
    path_ = (std::filesystem::temp_directory_path() /
             ("convoy_storage_" + std::to_string(getpid()) + "_" + std::to_string(++count)))
                .string();
  }
  ~TemporaryFile() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// 26 characters that ascend with `number`, like ULIDs made one after the other.
inline std::string Id(char kind, int number) {
  std::string digits = std::to_string(number);
  return std::string(1, kind) + std::string(25 - digits.size(), '0') + digits;
}

inline Project MakeProject(int number) {
  return {.id = Id('P', number),
          .name = "project " + std::to_string(number),
          .created_at = SimEpoch(),
          .updated_at = SimEpoch()};
}

inline Endpoint MakeEndpoint(const std::string& project_id, int number) {
  return {.id = Id('E', number),
          .project_id = project_id,
          .owner_id = "owner",
          .name = "Endpoint " + std::to_string(number),
          .url = "http://x.test/",
          .created_at = SimEpoch(),
          .updated_at = SimEpoch()};
}

inline Event MakeEvent(const std::string& project_id, int number) {
  return {.id = Id('V', number),
          .project_id = project_id,
          .event_type = "type",
          .headers = {{"X-A", "1"}, {"x-a", std::string("\xff\x01 é")}},
          .body = std::string("\0\xff binary", 10),
          .content_type = "application/octet-stream",
          .url_query = "a=1",
          .url_path = "/ingest/x",
          .status = EventStatus::kSuccess,
          .created_at = SimEpoch() + absl::Seconds(number),
          .acknowledged_at = SimEpoch()};
}

inline Delivery MakeDelivery(const Event& event, const std::string& endpoint_id, int number,
                             absl::Time due_at) {
  return {.id = Id('D', number),
          .project_id = event.project_id,
          .event_id = event.id,
          .endpoint_id = endpoint_id,
          .subscription_id = Id('S', 1),
          .event_type = event.event_type,
          .retry = {RetryStrategy::kExponential, absl::Seconds(7), 3},
          .due_at = due_at,
          .created_at = event.created_at,
          .updated_at = event.created_at};
}

// Commits one batch alone.
inline CommitResult CommitOne(Storage& storage, WriteBatch batch) {
  WriteBatch* const batches[] = {&batch};
  CommitResult results[1];
  const absl::Status status = storage.Commit(batches, results);
  if (!status.ok()) results[0].status = status;
  return std::move(results[0]);
}

inline CommitResult Put(Storage& storage, const std::string& scope, uint64_t revision,
                        std::vector<ConfigObject> objects) {
  WriteBatch batch;
  batch.config.push_back(
      {.scope = scope, .expected_revision = revision, .puts = std::move(objects)});
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

}  // namespace convoy::testing

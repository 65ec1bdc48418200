// The store while its server restarts, dies, or ends its sessions.
#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

std::set<std::string> EventsOf(Storage& storage, const std::string& project) {
  std::set<std::string> ids;
  PageRequest request{.is_ascending = true, .items_max = 500};
  while (true) {
    const Page<Event> page = storage.ListEvents({.project_id = project}, request).value();
    for (const Event& event : page.items) ids.insert(event.id);
    if (!page.has_next) return ids;
    request.cursor = page.next_cursor;
  }
}

// Writes while `disturb` runs again and again, and compares the answers with what is there.
template <typename Disturb>
void CheckAnswers(Storage& storage, int disturbances, const Disturb& disturb) {
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(storage, "", {MakeProject(1)}).status.ok());
  std::atomic<bool> is_over = false;
  std::set<std::string> accepted, refused;
  std::thread writer([&] {
    for (int i = 1; !is_over; ++i) {
      const Event event = MakeEvent(project, i);
      WriteBatch batch;
      batch.submissions.push_back(
          {.event = event,
           .deliveries = {MakeDelivery(event, Id('E', 1), i, SampleEpoch())},
           .dedupe = DedupeKey{.scope = project, .key = event.id}});
      WriteBatch* const batches[] = {&batch};
      CommitResult results[1];
      const absl::Status status = storage.Commit(batches, results);
      (status.ok() ? accepted : refused).insert(event.id);
      if (!status.ok()) absl::SleepFor(absl::Milliseconds(5));
    }
  });
  for (int i = 0; i < disturbances; ++i) {
    absl::SleepFor(absl::Milliseconds(150));
    disturb();
  }
  absl::SleepFor(absl::Milliseconds(300));
  is_over = true;
  writer.join();
  CHECK(storage.CheckWritable().ok());
  CHECK(storage.CheckAlive().ok());
  WARN(accepted.size() << " accepted, " << refused.size() << " refused");
  CHECK(accepted.size() > 10);
  CHECK(EventsOf(storage, project) == accepted);
}

TEST_CASE("restart: what was accepted while sessions are ended is there, and nothing else") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  CheckAnswers(*storage, 30, [] {
    PostgresServer::Get().Execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'convoy'");
  });
}

TEST_CASE("restart: what was accepted while the server restarts is there, and nothing else") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  CheckAnswers(*storage, 4, [] {
    PostgresServer::Get().Stop("fast");
    PostgresServer::Get().Start();
  });
}

TEST_CASE("restart: what was accepted while the server dies is there, and nothing else") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  CheckAnswers(*storage, 4, [] {
    PostgresServer::Get().Stop("immediate");
    PostgresServer::Get().Start();
  });
}

TEST_CASE("restart: without a server calls are refused, and with it they succeed again") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  PostgresServer::Get().Stop("fast");
  CHECK(absl::IsUnavailable(storage->CheckWritable()));
  CHECK(storage->CheckAlive().ok());
  CHECK(absl::IsUnavailable(storage->ConfigRevision("").status()));
  CHECK(absl::IsUnavailable(storage->ClaimDue({.now = SampleEpoch()}).status()));
  PostgresServer::Get().Start();
  CHECK(storage->CheckWritable().ok());
  CHECK(storage->ConfigRevision("").value() == 1);
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).ok());
}

}  // namespace
}  // namespace convoy::testing

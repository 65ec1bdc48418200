// Writers and claims that are at one lane at the same time, on connections of their own.
#include <libpq-fe.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

// A transaction of another session, which holds what it has locked until it ends.
class OtherSession {
 public:
  OtherSession(const PostgresStores& stores, const std::string& lock)
      : connection_(PQconnectdb(PostgresServer::Get().dsn().c_str())) {
    Execute(absl::StrCat("SET search_path TO ", stores.options().connection.schema));
    Execute("BEGIN");
    Execute(lock);
  }
  ~OtherSession() { PQfinish(connection_); }

  void End() { Execute("ROLLBACK"); }

 private:
  void Execute(const std::string& sql) {
    PGresult* const result = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    REQUIRE((status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK));
  }

  PGconn* const connection_;
};

absl::Status SubmitDue(Storage& storage, int number, int endpoint) {
  const Event event = MakeEvent(Id('P', 1), number);
  return Submit(storage, event, {MakeDelivery(event, Id('E', endpoint), number, SampleEpoch())})
      .status;
}

void WaitForLockedSession() {
  PostgresServer::Get().WaitUntil(
      "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock')");
}

TEST_CASE("lanes: a writer does not wait for a claim that is at a lane which is awake") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitDue(*storage, 1, 1).ok());
  OtherSession claim(stores, "SELECT * FROM lane FOR UPDATE");
  CHECK(SubmitDue(*storage, 2, 1).ok());  // does not return if it waits
  claim.End();
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() == 2);
}

TEST_CASE("lanes: a lane stays awake for a writer that has not committed yet") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitDue(*storage, 1, 1).ok());
  // The writer has done all but commit: its token is the last that it writes.
  OtherSession holding(stores, "SELECT * FROM opener WHERE number > 0 FOR UPDATE");
  absl::Status status = absl::UnknownError("not yet");
  std::thread writer([&] { status = SubmitDue(*storage, 2, 1); });
  WaitForLockedSession();

  const Claim first = storage->ClaimDue({.now = SampleEpoch()}).value();
  CHECK(first.deliveries.size() == 1);
  CHECK(first.next_due_at > SampleEpoch());
  CHECK(first.next_due_at <= SampleEpoch() + absl::Milliseconds(20));
  holding.End();
  writer.join();
  REQUIRE(status.ok());
  const Claim second = storage->ClaimDue({.now = first.next_due_at}).value();
  CHECK(second.deliveries.size() == 1);
  CHECK(second.next_due_at > SampleEpoch() + absl::Seconds(1));
}

TEST_CASE("lanes: no delivery is left asleep where writers and claims meet all the time") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  const auto other = stores.OpenAgain().value();
  constexpr int kWriters = 2, kEach = 300, kLanes = 3;
  std::atomic<int> written_count = 0;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      Storage& own = writer == 0 ? *storage : *other;
      for (int i = 0; i < kEach; ++i) {
        if (SubmitDue(own, writer * kEach + i + 1, i % kLanes).ok()) ++written_count;
      }
    });
  }
  std::set<std::string> claimed;
  absl::Time now = SampleEpoch();
  // A lane that is left lingers for a moment at most.
  int idle_rounds = 0;
  while (idle_rounds < 5) {
    const bool is_written = written_count == kWriters * kEach;
    const size_t before = claimed.size();
    now += absl::Milliseconds(5);
    for (Storage* const own : {storage.get(), other.get()}) {
      const Claim claim = own->ClaimDue({.now = now, .lease = absl::Hours(1)}).value();
      for (const ClaimedDelivery& taken : claim.deliveries) claimed.insert(taken.delivery.id);
    }
    idle_rounds = is_written && claimed.size() == before ? idle_rounds + 1 : 0;
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(written_count == kWriters * kEach);
  CHECK(claimed.size() == kWriters * kEach);
}

}  // namespace
}  // namespace convoy::testing

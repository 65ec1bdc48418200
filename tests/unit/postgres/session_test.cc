// Commits whose answer is lost: the outcome is looked up.
#include <libpq-fe.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/postgres/cutting_proxy.h"
#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

// A folder for the proxy's socket.
class SocketFolder {
 public:
  SocketFolder() {
    path_ = "/tmp/convoy_proxy_XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~SocketFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// An opener of the stores whose connections go through a proxy.
struct ProxiedStore {
  explicit ProxiedStore(const PostgresStores& stores)
      : proxy(folder.path(), PostgresServer::Get().folder()) {
    storage::postgres::PostgresOptions options = stores.options();
    options.connection.dsn += " host=" + folder.path();
    storage = storage::postgres::OpenPostgres(options).value();
  }

  SocketFolder folder;
  CuttingProxy proxy;
  std::unique_ptr<Storage> storage;
};

TEST_CASE("session: a commit whose answer is lost is looked up, and made again only if needed") {
  const Cut cut = GENERATE(Cut::kBeforeAnswer, Cut::kBeforeServer);
  PostgresStores stores;
  REQUIRE(stores.OpenEmpty().ok());
  ProxiedStore proxied(stores);
  CuttingProxy& proxy = proxied.proxy;
  Storage* const storage = proxied.storage.get();

  // The first transaction of a connection prepares its COMMIT.
  proxy.CutNext(1, cut);
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  CHECK(proxy.cuts_count() == 1);
  CHECK(storage->ConfigRevision("").value() == 1);

  // Of a connection after another: the one that was cut had to be replaced.
  const Event event = MakeEvent(Id('P', 1), 1);
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  const DedupeKey key{.scope = Id('P', 1), .key = "k"};
  CHECK(Submit(*storage, event, {delivery}, key).submissions ==
        std::vector{SubmissionOutcome::kAccepted});
  CHECK(storage->ListEvents({.project_id = Id('P', 1)}, {}).value().items.size() == 1);
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() == 1);
  CHECK(storage->CheckAlive().ok());
}

TEST_CASE("session: an event whose commit is cut is accepted once") {
  const Cut cut = GENERATE(Cut::kBeforeAnswer, Cut::kBeforeServer);
  PostgresStores stores;
  {
    const auto storage = stores.OpenEmpty().value();
    REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  }
  ProxiedStore proxied(stores);
  CuttingProxy& proxy = proxied.proxy;
  Storage* const storage = proxied.storage.get();
  proxy.CutNext(1, cut);
  const Event event = MakeEvent(Id('P', 1), 1);
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  CHECK(
      Submit(*storage, event, {delivery}, DedupeKey{.scope = Id('P', 1), .key = "k"}).submissions ==
      std::vector{SubmissionOutcome::kAccepted});
  CHECK(proxy.cuts_count() == 1);
  const std::vector<Event> stored =
      storage->ListEvents({.project_id = Id('P', 1)}, {}).value().items;
  REQUIRE(stored.size() == 1);
  CHECK(stored[0] == event);
}

TEST_CASE("session: a claim whose commit is cut hands each delivery out once") {
  const Cut cut = GENERATE(Cut::kBeforeAnswer, Cut::kBeforeServer);
  PostgresStores stores;
  {
    const auto storage = stores.OpenEmpty().value();
    REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
    const Event event = MakeEvent(Id('P', 1), 1);
    std::vector<Delivery> deliveries;
    for (int i = 1; i <= 5; ++i) {
      deliveries.push_back(MakeDelivery(event, Id('E', i), i, SampleEpoch()));
    }
    REQUIRE(Submit(*storage, event, deliveries).status.ok());
  }
  ProxiedStore proxied(stores);
  CuttingProxy& proxy = proxied.proxy;
  Storage* const storage = proxied.storage.get();
  proxy.CutNext(1, cut);
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() == 5);
  CHECK(proxy.cuts_count() == 1);
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).value().deliveries.empty());
}

TEST_CASE("session: the outcome of a commit is known though others took the opener for dead") {
  PostgresServer::Get().WaitUntilSettled();
  PostgresStores stores;
  const auto other = stores.OpenEmpty().value();
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*other, "", {MakeProject(1)}).status.ok());
  const Event event = MakeEvent(project, 1);
  const Delivery sent = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  const Delivery claimed = MakeDelivery(event, Id('E', 2), 2, SampleEpoch());
  REQUIRE(Submit(*other, event, {sent, claimed}).status.ok());
  ProxiedStore proxied(stores);
  CuttingProxy& proxy = proxied.proxy;
  Storage* const storage = proxied.storage.get();
  const Claim claim = storage->ClaimDue({.now = SampleEpoch()}).value();
  REQUIRE(claim.deliveries.size() == 2);
  DeliveryUpdate update{.lease = claim.deliveries[0].lease,
                        .delivery = claim.deliveries[0].delivery};
  update.delivery.status = DeliveryStatus::kSuccess;
  update.attempt = MakeAttempt(update.delivery, 1);
  update.attempt->error = "cut here";  // what is sent along with the commit
  proxy.GoDownWithNextCut();
  proxy.CutNext(1, Cut::kBeforeAnswer, "cut here");
  CommitResult result;
  std::thread writer([&] { result = Update(*storage, update); });
  Claim given_back;
  for (int i = 2; i < 40 && given_back.deliveries.empty(); ++i) {
    absl::SleepFor(absl::Milliseconds(100));
    given_back = other->ClaimDue({.now = SampleEpoch() + absl::Seconds(i)}).value();
  }
  CHECK(given_back.deliveries.size() == 1);
  proxy.Restore();
  writer.join();
  CHECK(result.status == absl::OkStatus());
  CHECK(result.updates_applied == std::vector<bool>{true});
  CHECK(storage->ListAttempts(project, update.delivery.id).value() == std::vector{*update.attempt});
  // The next transaction stands in the same row.
  CHECK(Submit(*storage, MakeEvent(project, 2), {}).status.ok());
  CHECK(storage->CheckAlive().ok());
}

TEST_CASE("session: a commit that goes on after its connection is not made beside another") {
  PostgresStores stores;
  {
    const auto storage = stores.OpenEmpty().value();
    REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  }
  ProxiedStore proxied(stores);
  CuttingProxy& proxy = proxied.proxy;
  Storage* const storage = proxied.storage.get();
  const std::string project = Id('P', 1);
  // The first transaction of an opener, held up on its way.
  PGconn* const other = PQconnectdb(PostgresServer::Get().dsn().c_str());
  const auto execute = [&](const std::string& sql) { PQclear(PQexec(other, sql.c_str())); };
  execute(absl::StrCat("BEGIN; LOCK TABLE ", stores.options().connection.schema,
                       ".delivery IN EXCLUSIVE MODE"));
  proxy.CutNext(1, Cut::kUnderWay);
  const Event event = MakeEvent(project, 1);
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  // Of two that are made the second is a duplicate.
  const DedupeKey key{.scope = project, .key = "k"};
  CommitResult result;
  std::thread writer([&] { result = Submit(*storage, event, {delivery}, key); });
  PostgresServer::Get().WaitUntil(
      "SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name = 'convoy' "
      "AND wait_event_type = 'Lock'");
  execute("ROLLBACK");
  PQfinish(other);
  writer.join();
  CHECK(result.status == absl::OkStatus());
  CHECK(result.submissions == std::vector{SubmissionOutcome::kAccepted});
  CHECK(storage->ListEvents({.project_id = project}, {}).value().items == std::vector{event});
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() == 1);
  CHECK(storage->CheckAlive().ok());
}

TEST_CASE("session: without the row of the opener the outcome of a commit is not known") {
  PostgresStores stores;
  REQUIRE(stores.OpenEmpty().ok());
  ProxiedStore proxied(stores);
  CuttingProxy& proxy = proxied.proxy;
  Storage* const storage = proxied.storage.get();
  proxy.GoDownWithNextCut();
  proxy.CutNext(1, Cut::kBeforeAnswer);
  absl::Status status;
  std::thread writer([&] { status = PutNow(*storage, "", {MakeProject(1)}).status; });
  for (int i = 0; i < 100 && !proxy.is_down(); ++i) absl::SleepFor(absl::Milliseconds(50));
  CHECK(proxy.is_down());
  PostgresServer::Get().Execute(
      absl::StrCat("DELETE FROM ", stores.options().connection.schema, ".opener"));
  proxy.Restore();
  writer.join();
  CHECK(absl::IsDataLoss(status));
  CHECK(absl::IsDataLoss(storage->CheckAlive()));
}

}  // namespace
}  // namespace convoy::testing

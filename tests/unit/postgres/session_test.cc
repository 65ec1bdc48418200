// Commits whose answer is lost: the outcome is looked up.
#include <cstdlib>
#include <filesystem>

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

TEST_CASE("session: a commit whose answer is lost is looked up, and made again only if needed") {
  const Cut cut = GENERATE(Cut::kBeforeAnswer, Cut::kBeforeServer);
  PostgresStores stores;
  REQUIRE(stores.OpenEmpty().ok());
  const SocketFolder folder;
  CuttingProxy proxy(folder.path(), PostgresServer::Get().folder());
  storage::postgres::PostgresOptions options = stores.options();
  options.connection.dsn += " host=" + folder.path();
  const auto storage = storage::postgres::OpenPostgres(options).value();

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
  const SocketFolder folder;
  CuttingProxy proxy(folder.path(), PostgresServer::Get().folder());
  storage::postgres::PostgresOptions options = stores.options();
  options.connection.dsn += " host=" + folder.path();
  const auto storage = storage::postgres::OpenPostgres(options).value();
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
  const SocketFolder folder;
  CuttingProxy proxy(folder.path(), PostgresServer::Get().folder());
  storage::postgres::PostgresOptions options = stores.options();
  options.connection.dsn += " host=" + folder.path();
  const auto storage = storage::postgres::OpenPostgres(options).value();
  proxy.CutNext(1, cut);
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).value().deliveries.size() == 5);
  CHECK(proxy.cuts_count() == 1);
  CHECK(storage->ClaimDue({.now = SampleEpoch()}).value().deliveries.empty());
}

}  // namespace
}  // namespace convoy::testing

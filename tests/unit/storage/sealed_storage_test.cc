// Secrets at rest: what the store below sees, what opens it, and what a crash leaves.
#include "lib/storage/sealed_storage.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "convoy/testing/storage_conformance.h"
#include "lib/storage/forwarding_storage.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using testing::SeededRandom;
using testing::TemporaryFile;

const std::string kOne(32, '1');
const std::string kTwo(32, '2');
constexpr std::string_view kSecret = "whsec_of_the_receiver";
constexpr std::string_view kId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

// A store that refuses to write once `writes_left` have gone through.
class FragileStorage : public ForwardingStorage {
 public:
  explicit FragileStorage(std::shared_ptr<Storage> target)
      : ForwardingStorage(target.get()), owned_(std::move(target)) {}
  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    if (writes_left == 0) return absl::UnavailableError("the process has died");
    --writes_left;
    return ForwardingStorage::Write(batches, results);
  }
  int writes_left = 1'000'000;

 private:
  std::shared_ptr<Storage> owned_;
};

Endpoint EndpointOf(std::string id) {
  Endpoint endpoint;
  endpoint.id = std::move(id);
  endpoint.project_id = "p";
  endpoint.name = "orders";
  endpoint.url = "https://example.com/hook";
  endpoint.secrets.push_back({.id = "s", .value = std::string(kSecret)});
  return endpoint;
}

absl::Status Put(Storage& storage, std::vector<ConfigRecord> puts) {
  WriteBatch batch;
  ConfigWrite& write = batch.config.emplace_back();
  write.scope = "p";
  write.expected_revision = storage.ConfigRevision("p").value();
  write.puts = std::move(puts);
  WriteBatch* const batches[] = {&batch};
  CommitResult results[1];
  const absl::Status status = storage.Commit(batches, results);
  return status.ok() ? results[0].status : status;
}

struct World {
  std::shared_ptr<Storage> below = NewMemoryStorage();
  SeededRandom random{7};

  absl::StatusOr<std::unique_ptr<Storage>> Open(const HostKeys& keys) {
    return SealStorage(std::make_unique<FragileStorage>(below), keys, &random);
  }
  std::string DocumentBelow(std::string_view id) {
    return below->GetConfig(ConfigKind::kEndpoint, "p", id).value().document;
  }
};

std::string BytesOf(const std::string& path) {
  std::stringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

TEST_CASE("sealed_storage: what is written is sealed, and read as it was, in each way of reading") {
  World world;
  const auto storage = world.Open({.current = kOne}).value();
  REQUIRE(Put(*storage, {EndpointOf(std::string(kId))}).ok());
  CHECK_FALSE(absl::StrContains(world.DocumentBelow(kId), kSecret));
  CHECK(GetConfig<Endpoint>(*storage, "p", kId).value() == EndpointOf(std::string(kId)));
  CHECK(ListAllConfig<Endpoint>(*storage, {.project_id = "p"}).value().size() == 1);
  const ConfigChanges changes = storage->ConfigChangesSince("p", 0).value();
  REQUIRE(changes.puts.size() == 1);
  CHECK(DecodeConfig<Endpoint>(changes.puts[0]).value() == EndpointOf(std::string(kId)));
}

TEST_CASE("sealed_storage: no secret is in the files of the database") {
  const TemporaryFile file;
  SeededRandom random{7};
  {
    const auto storage =
        SealStorage(OpenSqliteStorage(file.path()).value(), {.current = kOne}, &random).value();
    REQUIRE(Put(*storage, {EndpointOf(std::string(kId))}).ok());
    for (const char* suffix : {"", "-wal"}) {
      INFO(suffix);
      CHECK_FALSE(absl::StrContains(BytesOf(file.path() + suffix), kSecret));
    }
  }
  CHECK_FALSE(absl::StrContains(BytesOf(file.path()), kSecret));
}

TEST_CASE("sealed_storage: a store that was in clear is sealed when it is opened") {
  World world;
  std::vector<ConfigRecord> endpoints;
  for (int i = 0; i < 600; ++i) endpoints.push_back(EndpointOf(absl::StrCat("e", i)));
  REQUIRE(Put(*world.below, endpoints).ok());
  CHECK(absl::StrContains(world.DocumentBelow("e599"), kSecret));
  const auto storage = world.Open({.current = kOne}).value();
  for (int i = 0; i < 600; ++i) {
    INFO(i);
    CHECK_FALSE(absl::StrContains(world.DocumentBelow(absl::StrCat("e", i)), kSecret));
  }
  CHECK(ListAllConfig<Endpoint>(*storage, {.project_id = "p"}).value().size() == 600);
}

TEST_CASE("sealed_storage: sealing that was cut off anywhere is finished by the next opener") {
  for (int writes = 0; writes < 6; ++writes) {
    INFO(writes);
    World world;
    std::vector<ConfigRecord> endpoints;
    for (int i = 0; i < 600; ++i) endpoints.push_back(EndpointOf(absl::StrCat("e", i)));
    REQUIRE(Put(*world.below, endpoints).ok());
    auto fragile = std::make_unique<FragileStorage>(world.below);
    fragile->writes_left = writes;
    const bool is_done = SealStorage(std::move(fragile), {.current = kOne}, &world.random).ok();
    CHECK(is_done == (writes >= 5));  // the key, three chunks, the end
    const auto storage = world.Open({.current = kOne}).value();
    CHECK(ListAllConfig<Endpoint>(*storage, {.project_id = "p"}).value().size() == 600);
    CHECK_FALSE(absl::StrContains(world.DocumentBelow("e599"), kSecret));
  }
}

TEST_CASE("sealed_storage: only the right key opens it, and another one can replace it") {
  World world;
  REQUIRE(CheckNotSealed(*world.below).ok());
  REQUIRE(Put(*world.Open({.current = kOne}).value(), {EndpointOf(std::string(kId))}).ok());
  const std::string sealed = world.DocumentBelow(kId);

  CHECK(absl::IsFailedPrecondition(CheckNotSealed(*world.below)));
  const absl::Status wrong = world.Open({.current = kTwo}).status();
  CHECK(absl::IsFailedPrecondition(wrong));
  CHECK(absl::StrContains(wrong.message(), "former_secrets_key"));

  const auto renewed = world.Open({.current = kTwo, .former = kOne}).value();
  CHECK(GetConfig<Endpoint>(*renewed, "p", kId).value() == EndpointOf(std::string(kId)));
  CHECK(world.DocumentBelow(kId) == sealed);  // only the wrapping was written anew
  CHECK_FALSE(world.Open({.current = kOne}).ok());
  CHECK(world.Open({.current = kTwo}).ok());
  CHECK(world.Open({.current = kTwo, .former = kOne}).ok());
}

TEST_CASE("sealed_storage: an opener without the key writes nothing in clear after the sealing") {
  World world;
  const auto clear = KeepClear(std::make_unique<FragileStorage>(world.below)).value();
  REQUIRE(Put(*clear, {EndpointOf("a")}).ok());
  const auto sealed = world.Open({.current = kOne}).value();

  WriteBatch document, event;
  document.config.push_back({.scope = "p",
                             .expected_revision = clear->ConfigRevision("p").value(),
                             .puts = {EndpointOf("b")}});
  event.submissions.push_back({.event = {.id = std::string(kId), .project_id = "p"}});
  WriteBatch* const batches[] = {&document, &event};
  CommitResult results[2];
  REQUIRE(clear->Commit(batches, results).ok());
  CHECK(absl::IsUnavailable(results[0].status));
  CHECK(results[0].status.message() == CheckNotSealed(*world.below).message());
  CHECK(results[1].status.ok());  // what flows is not sealed
  CHECK(results[1].submissions.size() == 1);
  CHECK(absl::IsNotFound(world.below->GetConfig(ConfigKind::kEndpoint, "p", "b").status()));
  CHECK_FALSE(absl::StrContains(world.DocumentBelow("a"), kSecret));
  REQUIRE(Put(*sealed, {EndpointOf("b")}).ok());
  CHECK_FALSE(absl::StrContains(world.DocumentBelow("b"), kSecret));
}

TEST_CASE("sealed_storage: a document that was moved to another record, or changed, is damage") {
  World world;
  const auto storage = world.Open({.current = kOne}).value();
  REQUIRE(Put(*storage, {EndpointOf("a"), EndpointOf("b")}).ok());
  ConfigRecord moved = world.below->GetConfig(ConfigKind::kEndpoint, "p", "a").value();
  moved.id = "b";
  REQUIRE(Put(*world.below, {moved}).ok());
  CHECK(absl::IsDataLoss(GetConfig<Endpoint>(*storage, "p", "b").status()));
  ConfigRecord changed = world.below->GetConfig(ConfigKind::kEndpoint, "p", "a").value();
  changed.document[changed.document.size() / 2] ^= 1;
  REQUIRE(Put(*world.below, {changed}).ok());
  CHECK(absl::IsDataLoss(GetConfig<Endpoint>(*storage, "p", "a").status()));
}

TEST_CASE("sealed_storage: a write that fails leaves its batch as it was") {
  World world;
  auto fragile = std::make_unique<FragileStorage>(world.below);
  FragileStorage& below = *fragile;
  const auto storage = SealStorage(std::move(fragile), {.current = kOne}, &world.random).value();
  below.writes_left = 0;
  WriteBatch batch;
  batch.config.push_back({.scope = "p", .puts = {EndpointOf(std::string(kId))}});
  WriteBatch* const batches[] = {&batch};
  CommitResult results[1];
  CHECK_FALSE(storage->Write(batches, results).ok());
  CHECK(batch.config[0].puts[0] == ConfigRecord(EndpointOf(std::string(kId))));
}

TEST_CASE("sealed_storage: two openers at once agree on one key") {
  World world;
  const auto first = world.Open({.current = kOne}).value();
  const auto second = world.Open({.current = kOne}).value();
  REQUIRE(Put(*first, {EndpointOf(std::string(kId))}).ok());
  CHECK(GetConfig<Endpoint>(*second, "p", kId).ok());
}

class SealedStores : public testing::StorageFactory {
 public:
  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override {
    file_ = std::make_unique<TemporaryFile>();
    return OpenAgain();
  }
  absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override {
    return SealStorage(OpenSqliteStorage(file_->path()).value(), {.current = kOne}, &random_);
  }

 private:
  std::unique_ptr<TemporaryFile> file_;
  SeededRandom random_{7};
};

TEST_CASE("sealed_storage: it is a store by the rules of every store") {
  SealedStores stores;
  const testing::ConformanceReport report = testing::CheckStorage(stores);
  for (const auto& failure : report.failures) {
    UNSCOPED_INFO(failure.requirement << "\n    " << failure.detail);
  }
  CHECK(report.failures.empty());
  CHECK(report.skipped.empty());
}

}  // namespace
}  // namespace convoy::storage

#include "lib/config/config_cache.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"

#include "convoy/gateway.h"
#include "lib/config/loading_cache.h"
#include "lib/storage/forwarding_storage.h"
#include "tests/support/sim_clock.h"

namespace convoy::config {
namespace {

struct MemoryOwner {
  const std::unique_ptr<Storage> memory = NewMemoryStorage();
};

// A store in memory that counts what it is asked.
class CountingStorage : private MemoryOwner, public storage::ForwardingStorage {
 public:
  CountingStorage() : ForwardingStorage(memory.get()) {}

  absl::StatusOr<uint64_t> ConfigGeneration() override {
    ++calls;
    ++generation_calls;
    if (is_broken) return absl::UnavailableError("store is broken");
    return ForwardingStorage::ConfigGeneration();
  }
  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    ++calls;
    return ForwardingStorage::ConfigRevision(scope);
  }
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                         std::string_view id) override {
    ++calls;
    if (during_load) during_load();
    return ForwardingStorage::GetConfig(kind, project_id, id);
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                          std::string_view value) override {
    ++calls;
    ++(kind == ConfigKind::kSource ? source_loads : key_loads);
    return ForwardingStorage::FindConfig(kind, field, value);
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    ++calls;
    project_loads += query.kind == ConfigKind::kEndpoint;
    return ForwardingStorage::ListConfig(query, page);
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    ++calls;
    return ForwardingStorage::ConfigChangesSince(scope, since);
  }

  ConfigWrite Change(ConfigWrite write) {
    write.expected_revision = ForwardingStorage::ConfigRevision(write.scope).value();
    WriteBatch batch{.config = {write}};
    WriteBatch* const batches[] = {&batch};
    CommitResult results[1];
    REQUIRE(Commit(batches, results).ok());
    REQUIRE(results[0].status.ok());
    return write;
  }
  ConfigWrite PutProject(const std::string& id, std::string name) {
    return Change({.puts = {Project{.id = id, .name = std::move(name)}}});
  }
  ConfigWrite PutEndpoint(const std::string& project, const std::string& id, std::string name) {
    return Change({.scope = project,
                   .puts = {Endpoint{.id = id, .project_id = project, .name = std::move(name)}}});
  }
  ConfigWrite PutSource(Source source) {
    return Change({.scope = source.project_id, .puts = {std::move(source)}});
  }
  ConfigWrite PutKey(ApiKey key) { return Change({.puts = {std::move(key)}}); }

  std::atomic<int> calls = 0;
  std::atomic<int> generation_calls = 0;
  std::atomic<int> project_loads = 0;  // whole ones
  std::atomic<int> source_loads = 0;
  std::atomic<int> key_loads = 0;
  std::atomic<bool> is_broken = false;
  std::function<void()> during_load;  // set before use; runs without a lock
};

TEST_CASE("config_cache: a project is loaded once, then changes are taken in") {
  CountingStorage storage;
  storage.PutProject("P", "first");
  ConfigCache cache(&storage, {});
  const auto first = cache.FindProject("P");
  REQUIRE(first.ok());
  CHECK((*first)->project().name == "first");
  CHECK(*cache.FindProject("P") == *first);

  storage.PutProject("P", "second");
  storage.PutEndpoint("P", "E", "endpoint");
  const auto second = cache.FindProject("P");
  CHECK((*second)->project().name == "second");
  CHECK((*second)->FindEndpoint("E")->name == "endpoint");
  CHECK((*second)->revision() == 1);
  CHECK(storage.project_loads == 1);
  CHECK((*first)->project().name == "first");  // a reader may go on with the old one
  CHECK((*first)->FindEndpoint("E") == nullptr);
}

TEST_CASE("config_cache: what is served from memory asks the store nothing") {
  CountingStorage storage;
  testing::SimClock clock;
  storage.PutProject("P", "project");
  storage.PutSource({.id = "S", .project_id = "P", .mask_id = "mask"});
  storage.PutKey({.id = "K", .mask_id = "key"});
  ConfigCache cache(&storage, {.clock = &clock});
  const auto find_all = [&] {
    return cache.FindProject("P").ok() && cache.FindSourceByMask("mask").ok() &&
           cache.FindApiKeyByMask("key").ok();
  };
  REQUIRE(find_all());
  const int calls = storage.calls;
  for (int i = 0; i < 100; ++i) REQUIRE(find_all());
  CHECK(storage.calls == calls);
  // Of a thousand requests in half a second a handful asks for what others have changed.
  for (int i = 0; i < 1000; ++i) {
    clock.Advance(absl::Microseconds(500));
    REQUIRE(find_all());
  }
  CHECK(storage.calls - calls <= 10);
  CHECK(storage.calls == calls + storage.generation_calls - 1);
}

TEST_CASE("config_cache: a change that this process made is seen at once, others in a second") {
  CountingStorage storage;
  testing::SimClock clock;
  storage.PutProject("P", "first");
  storage.PutSource({.id = "S", .project_id = "P", .mask_id = "mask", .name = "one"});
  storage.PutKey({.id = "K", .name = "one", .mask_id = "key"});
  ConfigCache cache(&storage, {.clock = &clock});
  REQUIRE(cache.FindProject("P").ok());
  REQUIRE(cache.FindSourceByMask("mask").ok());
  REQUIRE(cache.FindApiKeyByMask("key").ok());

  const auto tell = [&](const ConfigWrite& write) { cache.OnWritten({&write, 1}); };
  tell(storage.PutEndpoint("P", "E1", "own"));
  CHECK((*cache.FindProject("P"))->FindEndpoint("E1") != nullptr);
  tell(storage.PutSource({.id = "S", .project_id = "P", .mask_id = "mask", .name = "two"}));
  CHECK((*cache.FindSourceByMask("mask"))->source.name == "two");
  tell(storage.PutKey({.id = "K", .name = "two", .mask_id = "key"}));
  CHECK((*cache.FindApiKeyByMask("key"))->name == "two");
  REQUIRE(cache.FindProject("P").ok());  // takes in what the last changes told

  storage.PutEndpoint("P", "E2", "of another process");
  clock.Advance(absl::Milliseconds(1));
  CHECK((*cache.FindProject("P"))->FindEndpoint("E2") == nullptr);
  clock.Advance(absl::Seconds(1));
  CHECK((*cache.FindProject("P"))->FindEndpoint("E2") != nullptr);
  storage.PutEndpoint("P", "E3", "of another process");
  clock.Advance(-absl::Hours(1));  // a clock that is set back does not end looking
  CHECK((*cache.FindProject("P"))->FindEndpoint("E3") != nullptr);

  tell(storage.Change({.removes = {{ConfigKind::kProject, "P"}}}));
  CHECK(absl::IsNotFound(cache.FindProject("P").status()));
  CHECK(absl::IsNotFound(cache.FindSourceByMask("mask").status()));
}

TEST_CASE("config_cache: a write is told in every scope that it changes") {
  CountingStorage storage;
  testing::SimClock clock;
  storage.PutProject("P", "first");
  storage.PutKey({.id = "K", .name = "one", .mask_id = "key", .project_id = "P"});
  storage.PutEndpoint("P", "E", "one");
  ConfigCache cache(&storage, {.clock = &clock});
  REQUIRE(cache.FindApiKeyByMask("key").ok());
  REQUIRE(cache.FindProject("P").ok());
  const ConfigWrite of_other_scope = storage.Change(
      {.scope = "P",
       .puts = {ApiKey{.id = "K", .name = "two", .mask_id = "key", .project_id = "P"}}});
  cache.OnWritten({&of_other_scope, 1});
  CHECK((*cache.FindApiKeyByMask("key"))->name == "two");
  const ConfigWrite of_instance =
      storage.Change({.scope = "", .removes = {{ConfigKind::kEndpoint, "E"}}});
  cache.OnWritten({&of_instance, 1});
  CHECK((*cache.FindProject("P"))->FindEndpoint("E") == nullptr);
}

TEST_CASE("config_cache: what is changed elsewhere leaves sources and keys as they are") {
  CountingStorage storage;
  storage.PutProject("P", "project");
  storage.PutSource({.id = "S", .project_id = "P", .mask_id = "mask"});
  storage.PutKey({.id = "K", .mask_id = "key"});
  ConfigCache cache(&storage, {});
  const auto source = *cache.FindSourceByMask("mask");
  const auto key = *cache.FindApiKeyByMask("key");
  const int loads = storage.source_loads + storage.key_loads;
  storage.PutEndpoint("P", "E", "endpoint");
  storage.PutProject("Q", "another");
  CHECK(*cache.FindSourceByMask("mask") == source);
  CHECK(*cache.FindApiKeyByMask("key") == key);
  CHECK(storage.source_loads + storage.key_loads == loads);
}

TEST_CASE("config_cache: a project that was not looked at for long is read anew") {
  CountingStorage storage;
  storage.PutProject("P", "project");
  ConfigCache cache(&storage, {});
  REQUIRE(cache.FindProject("P").ok());
  ConfigWrite many{.scope = "P"};
  for (int i = 0; i < 2000; ++i) {
    many.puts.push_back(Endpoint{.id = absl::StrCat("E", i), .project_id = "P"});
  }
  storage.Change(many);
  CHECK((*cache.FindProject("P"))->endpoints_count() == 2000);
  CHECK(storage.project_loads > 1);
}

TEST_CASE("config_cache: what is not there is asked for again, and found once it is there") {
  CountingStorage storage;
  ConfigCache cache(&storage, {});
  CHECK(cache.FindProject("P").status().code() == absl::StatusCode::kNotFound);
  CHECK(cache.FindSourceByMask("m").status().code() == absl::StatusCode::kNotFound);
  CHECK(cache.FindApiKeyByMask("k").status().code() == absl::StatusCode::kNotFound);
  storage.PutProject("P", "name");
  CHECK(cache.FindProject("P").ok());
}

TEST_CASE("config_cache: the least recently used project is forgotten first") {
  CountingStorage storage;
  for (const char* id : {"A", "B", "C"}) storage.PutProject(id, id);
  ConfigCache cache(&storage, {.projects_max = 2});
  REQUIRE(cache.FindProject("A").ok());
  REQUIRE(cache.FindProject("B").ok());
  REQUIRE(cache.FindProject("A").ok());
  REQUIRE(cache.FindProject("C").ok());  // pushes out B
  CHECK(storage.project_loads == 3);
  REQUIRE(cache.FindProject("A").ok());
  CHECK(storage.project_loads == 3);
  REQUIRE(cache.FindProject("B").ok());
  CHECK(storage.project_loads == 4);
}

TEST_CASE("config_cache: callers who come during a load share it") {
  constexpr int kCallers = 8;
  CountingStorage storage;
  storage.PutProject("P", "name");
  absl::Notification may_load;
  storage.during_load = [&] { may_load.WaitForNotification(); };
  ConfigCache cache(&storage, {});
  std::atomic<int> found = 0;
  absl::BlockingCounter started(kCallers);
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      started.DecrementCount();
      if (cache.FindProject("P").ok()) ++found;
    });
  }
  started.Wait();
  may_load.Notify();
  for (std::thread& caller : callers) caller.join();
  CHECK(found == kCallers);
  CHECK(storage.project_loads == 1);
}

TEST_CASE("loading_cache: a caller who finds that others have loaded meanwhile loads nothing") {
  LoadingCache<int> cache(4);
  uint64_t revision = 1;
  int loads = 0;
  using Entry = LoadingCache<int>::Entry;
  const auto is_current = [&](const Entry& entry) { return entry.stamp.notice == revision; };
  const auto load = [&](const Entry*) -> absl::StatusOr<Entry> {
    return Entry{std::make_shared<const int>(++loads), {.notice = revision}};
  };
  REQUIRE(cache.Find("k", is_current, load).ok());
  ++revision;
  // Between the look at what is cached and the wish to load, another caller loads.
  bool is_first = true;
  const auto overtaken = [&](const Entry& entry) {
    if (std::exchange(is_first, false)) {
      CHECK(**cache.Find("k", is_current, load) == 2);
      return false;
    }
    return is_current(entry);
  };
  const auto found = cache.Find("k", overtaken, load);
  REQUIRE(found.ok());
  CHECK(**found == 2);
  CHECK(loads == 2);
}

TEST_CASE("config_cache: a change during a load is not missed") {
  CountingStorage storage;
  storage.PutProject("P", "first");
  bool has_changed = false;
  storage.during_load = [&] {
    if (!std::exchange(has_changed, true)) storage.PutProject("P", "second");
  };
  ConfigCache cache(&storage, {});
  REQUIRE(cache.FindProject("P").ok());
  // The first load saw the change or not; its stamp is older either way, so it is not believed
  // again.
  CHECK((*cache.FindProject("P"))->project().name == "second");
}

TEST_CASE(
    "config_cache: changes and readers at once never show an older state than was read before") {
  CountingStorage storage;
  storage.PutProject("P", "1000");
  testing::SimClock clock;
  ConfigCache cache(&storage, {.clock = &clock});
  std::atomic<bool> is_over = false;
  std::atomic<bool> went_back = false;
  std::atomic<int> told = 1000;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::string last;
      uint64_t last_revision = 0;
      while (!is_over) {
        const std::string at_least = absl::StrCat(told.load());
        const auto project = cache.FindProject("P");
        if (!project.ok() || (*project)->project().name < std::max(last, at_least) ||
            (*project)->revision() < last_revision) {
          went_back = true;
          continue;
        }
        last = (*project)->project().name;
        last_revision = (*project)->revision();
      }
    });
  }
  for (int i = 1001; i < 1500; ++i) {
    const ConfigWrite writes[] = {storage.PutProject("P", absl::StrCat(i)),
                                  storage.PutEndpoint("P", absl::StrCat("E", i % 7), "name")};
    cache.OnWritten(writes);
    told = i;
    clock.Advance(absl::Milliseconds(7));
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  CHECK_FALSE(went_back);
  CHECK((*cache.FindProject("P"))->project().name == "1499");
  CHECK((*cache.FindProject("P"))->revision() == 499);
}

TEST_CASE("config_cache: a source comes with its verifier and goes with its revision") {
  CountingStorage storage;
  storage.PutProject("P", "name");
  storage.PutSource({.id = "S", .project_id = "P", .mask_id = "mask", .name = "one"});
  ConfigCache cache(&storage, {});
  const auto first = cache.FindSourceByMask("mask");
  REQUIRE(first.ok());
  CHECK((*first)->source.name == "one");
  REQUIRE((*first)->verifier != nullptr);
  CHECK((*first)->verifier->Verify({.method = "POST"}, absl::UnixEpoch()).accepted());
  const int loads = storage.source_loads;
  CHECK(*cache.FindSourceByMask("mask") == *first);
  CHECK(storage.source_loads == loads);

  storage.PutSource({.id = "S", .project_id = "P", .mask_id = "mask", .name = "two"});
  CHECK((*cache.FindSourceByMask("mask"))->source.name == "two");
  storage.Change({.scope = "P", .removes = {{ConfigKind::kSource, "S"}}});
  CHECK(cache.FindSourceByMask("mask").status().code() == absl::StatusCode::kNotFound);
}

TEST_CASE("config_cache: a source whose verifier does not compile has none") {
  CountingStorage storage;
  storage.PutSource({.id = "S",
                     .project_id = "P",
                     .mask_id = "mask",
                     .verifier = HmacVerifierConfig{.header = "X-Sig", .secret = ""}});
  ConfigCache cache(&storage, {});
  const auto entry = cache.FindSourceByMask("mask");
  REQUIRE(entry.ok());
  CHECK((*entry)->verifier == nullptr);
}

TEST_CASE("config_cache: an error of the store is passed on, not covered by what is cached") {
  CountingStorage storage;
  testing::SimClock clock;
  storage.PutProject("P", "name");
  ConfigCache cache(&storage, {.clock = &clock});
  REQUIRE(cache.FindProject("P").ok());
  storage.is_broken = true;
  clock.Advance(absl::Milliseconds(100));
  for (int i = 0; i < 3; ++i) {
    CHECK(cache.FindProject("P").status().code() == absl::StatusCode::kUnavailable);
  }
  storage.is_broken = false;
  CHECK(cache.FindProject("P").ok());
}

}  // namespace
}  // namespace convoy::config

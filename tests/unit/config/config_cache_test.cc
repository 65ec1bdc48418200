#include "lib/config/config_cache.h"

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"

#include "lib/config/loading_cache.h"
#include "tests/support/null_storage.h"

namespace convoy::config {
namespace {

// A store of configuration that counts what it is asked.
class CountingStorage : public testing::NullStorage {
 public:
  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    absl::MutexLock lock(&mutex_);
    if (is_broken_) return absl::UnavailableError("store is broken");
    return revisions_[std::string(scope)];
  }
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind, std::string_view,
                                         std::string_view id) override {
    ++project_loads;
    if (during_load) during_load();
    absl::MutexLock lock(&mutex_);
    const auto found = projects_.find(std::string(id));
    if (found == projects_.end()) return absl::NotFoundError("project not found");
    return ConfigRecord(found->second);
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    absl::MutexLock lock(&mutex_);
    const uint64_t revision = revisions_[std::string(scope)];
    return ConfigChanges{.revision = revision, .is_complete = revision == since};
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view,
                                          std::string_view mask_id) override {
    ++(kind == ConfigKind::kSource ? source_loads : key_loads);
    absl::MutexLock lock(&mutex_);
    if (kind == ConfigKind::kSource) {
      const auto found = sources_.find(std::string(mask_id));
      if (found == sources_.end()) return absl::NotFoundError("source not found");
      return ConfigRecord(found->second);
    }
    const auto found = keys_.find(std::string(mask_id));
    if (found == keys_.end()) return absl::NotFoundError("key not found");
    return ConfigRecord(found->second);
  }

  void PutProject(std::string id, std::string name) {
    absl::MutexLock lock(&mutex_);
    projects_[id] = {.id = id, .name = std::move(name)};
    ++revisions_[""];
  }
  void PutSource(Source source) {
    absl::MutexLock lock(&mutex_);
    ++revisions_[source.project_id];
    sources_[source.mask_id] = std::move(source);
  }
  void RemoveSource(const std::string& mask_id) {
    absl::MutexLock lock(&mutex_);
    ++revisions_[sources_[mask_id].project_id];
    sources_.erase(mask_id);
  }
  void PutKey(ApiKey key) {
    absl::MutexLock lock(&mutex_);
    ++revisions_[""];
    keys_[key.mask_id] = std::move(key);
  }
  // As an instance-wide change does that leaves the project's own revision alone.
  void RenameProjectInInstance(const std::string& id, std::string name) {
    absl::MutexLock lock(&mutex_);
    projects_[id].name = std::move(name);
    ++revisions_[""];
  }
  void RemoveProject(const std::string& id) {
    absl::MutexLock lock(&mutex_);
    projects_.erase(id);
    ++revisions_[""];
  }
  void Break() {
    absl::MutexLock lock(&mutex_);
    is_broken_ = true;
  }

  std::atomic<int> project_loads = 0;
  std::atomic<int> source_loads = 0;
  std::atomic<int> key_loads = 0;
  std::function<void()> during_load;  // set before use; runs without a lock

 private:
  absl::Mutex mutex_;
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, uint64_t> revisions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Project> projects_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Source> sources_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, ApiKey> keys_ ABSL_GUARDED_BY(mutex_);
};

TEST_CASE("config_cache: a project is loaded once and kept until its revision moves") {
  CountingStorage storage;
  storage.PutProject("P", "first");
  ConfigCache cache(&storage, {});
  const auto first = cache.FindProject("P");
  REQUIRE(first.ok());
  CHECK((*first)->project().name == "first");
  CHECK(*cache.FindProject("P") == *first);
  CHECK(storage.project_loads == 1);

  storage.PutProject("P", "second");
  CHECK((*cache.FindProject("P"))->project().name == "second");
  CHECK(storage.project_loads == 2);
  CHECK((*first)->project().name == "first");  // who holds the old one may go on with it
}

TEST_CASE("config_cache: a change or removal by way of the instance is seen") {
  CountingStorage storage;
  storage.PutProject("P", "first");
  ConfigCache cache(&storage, {});
  REQUIRE(cache.FindProject("P").ok());
  storage.RenameProjectInInstance("P", "second");
  CHECK((*cache.FindProject("P"))->project().name == "second");
  storage.RemoveProject("P");
  CHECK(cache.FindProject("P").status().code() == absl::StatusCode::kNotFound);
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

TEST_CASE("loading_cache: who finds that others have loaded meanwhile does not load again") {
  LoadingCache<int> cache(4);
  uint64_t revision = 1;
  int loads = 0;
  const auto current = [&](const int&) -> absl::StatusOr<Stamp> { return Stamp{revision, 0}; };
  const auto load = [&](const int*) -> absl::StatusOr<LoadingCache<int>::Entry> {
    return LoadingCache<int>::Entry{std::make_shared<const int>(++loads), {revision, 0}};
  };
  REQUIRE(cache.Find("k", current, load).ok());
  ++revision;
  // Another thread loads between the look at the cache and the load.
  bool is_first = true;
  const auto overtaken = [&](const int& value) -> absl::StatusOr<Stamp> {
    if (std::exchange(is_first, false)) CHECK(**cache.Find("k", current, load) == 2);
    return current(value);
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
    if (std::exchange(has_changed, true)) return;
    storage.RenameProjectInInstance("P", "second");
  };
  ConfigCache cache(&storage, {});
  REQUIRE(cache.FindProject("P").ok());
  // The first load saw the change or not; its stamp is older either way, so it is not believed
  // again.
  CHECK((*cache.FindProject("P"))->project().name == "second");
  CHECK(storage.project_loads == 2);
  REQUIRE(cache.FindProject("P").ok());
  CHECK(storage.project_loads == 2);
}

TEST_CASE(
    "config_cache: changes and readers at once never show an older state than was read before") {
  CountingStorage storage;
  storage.PutProject("P", "1000");
  ConfigCache cache(&storage, {});
  std::atomic<bool> is_over = false;
  std::atomic<bool> went_back = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      std::string last;
      while (!is_over) {
        const auto project = cache.FindProject("P");
        if (!project.ok() || (*project)->project().name < last) went_back = true;
        if (project.ok()) last = (*project)->project().name;
      }
    });
  }
  for (int i = 1001; i < 1500; ++i) storage.PutProject("P", absl::StrCat(i));
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  CHECK_FALSE(went_back);
  CHECK((*cache.FindProject("P"))->project().name == "1499");
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
  storage.RemoveSource("mask");
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

TEST_CASE("config_cache: keys follow the revision of the instance") {
  CountingStorage storage;
  storage.PutKey({.name = "one", .mask_id = "k"});
  ConfigCache cache(&storage, {});
  CHECK((*cache.FindApiKeyByMask("k"))->name == "one");
  CHECK((*cache.FindApiKeyByMask("k"))->name == "one");
  CHECK(storage.key_loads == 1);
  storage.PutKey({.name = "two", .mask_id = "k"});
  CHECK((*cache.FindApiKeyByMask("k"))->name == "two");
}

TEST_CASE("config_cache: an error of the store is passed on, not covered by what is cached") {
  CountingStorage storage;
  storage.PutProject("P", "name");
  ConfigCache cache(&storage, {});
  REQUIRE(cache.FindProject("P").ok());
  storage.Break();
  CHECK(cache.FindProject("P").status().code() == absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace convoy::config

// Time limits of reads, as SQLite's progress handler sees them.
#include "lib/base/read_limit.h"

#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "lib/testing/storage_samples.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace testing;  // NOLINT: the samples

// One millisecond goes by with each look.
class LookedAtClock : public Clock {
 public:
  explicit LookedAtClock(std::function<void(int look)> on_look) : on_look_(std::move(on_look)) {}
  absl::Time Now() override {
    on_look_(++looks_count_);
    return SampleEpoch() + absl::Milliseconds(looks_count_);
  }
  int looks_count() const { return looks_count_; }

 private:
  const std::function<void(int look)> on_look_;
  int looks_count_ = 0;
};

std::unique_ptr<Storage> FilledStorage(const std::string& path, int events_count) {
  std::unique_ptr<Storage> storage = OpenSqliteStorage(path).value();
  WriteBatch batch;
  for (int number = 1; number <= events_count; ++number) {
    batch.submissions.push_back({.event = MakeEvent(Id('P', 1), number)});
  }
  REQUIRE(CommitOne(*storage, std::move(batch)).status.ok());
  return storage;
}

// Looks at each row, and finds nothing.
absl::Status ListAll(Storage& storage) {
  return storage.ListEvents({.project_id = Id('P', 1), .event_type = "none"}, {.items_max = 1000})
      .status();
}

TEST_CASE("read_limit: a read is cut off when its time is over, and no other one") {
  TemporaryFile file;
  const auto storage = FilledStorage(file.path(), 9000);
  absl::Status of_another_thread = absl::UnknownError("not asked");
  LookedAtClock clock([&](int look) {
    if (look != 2) return;
    std::thread([&] { of_another_thread = ListAll(*storage); }).join();
  });
  {
    const base::ReadLimit limit(&clock, SampleEpoch() + absl::Milliseconds(4), nullptr);
    const absl::Status status = ListAll(*storage);
    CHECK(absl::IsDeadlineExceeded(status));
    CHECK(clock.looks_count() == 4);  // it had begun
    // A write is no read.
    CHECK(Submit(*storage, MakeEvent(Id('P', 1), 9001), {}).status.ok());
  }
  CHECK(of_another_thread.ok());
  CHECK(ListAll(*storage).ok());  // the same thread, and the same connection
}

TEST_CASE("read_limit: a read is cut off when its caller is called off") {
  TemporaryFile file;
  const auto storage = FilledStorage(file.path(), 9000);
  std::atomic<bool> is_cancelled = false;
  LookedAtClock clock([&](int look) { is_cancelled = look == 2; });
  const base::ReadLimit limit(&clock, absl::InfiniteFuture(), &is_cancelled);
  CHECK(absl::IsDeadlineExceeded(ListAll(*storage)));
  CHECK(clock.looks_count() == 2);
}

}  // namespace
}  // namespace convoy::storage

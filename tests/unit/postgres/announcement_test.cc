// Announcements of due work between openers: soon, few, and none where there is nothing left.
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "convoy/work_feed.h"
#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

void ListenTo(Storage& storage, std::atomic<int>& count) {
  auto* const feed = dynamic_cast<WorkFeed*>(&storage);
  REQUIRE(feed != nullptr);
  feed->SetWorkListener([&count] { ++count; });
}

CommitResult SubmitDue(Storage& storage, int number, absl::Time due_at) {
  const Event event = MakeEvent(Id('P', 1), number);
  return Submit(storage, event, {MakeDelivery(event, Id('E', 1), number, due_at)});
}

TEST_CASE("announcement: work that an opener leaves is known to another one at once") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  std::atomic<int> told_first = 0, told_second = 0;
  ListenTo(*first, told_first);
  ListenTo(*second, told_second);
  absl::SleepFor(absl::Milliseconds(200));
  absl::Duration slowest;
  for (int i = 1; i <= 10; ++i) {
    const int before = told_second;
    const absl::Time began_at = absl::Now();
    REQUIRE(SubmitDue(*first, i, began_at).status.ok());
    while (told_second == before) {
      REQUIRE(absl::Now() < began_at + absl::Seconds(2));
      absl::SleepFor(absl::Microseconds(200));
    }
    slowest = std::max(slowest, absl::Now() - began_at);
    absl::SleepFor(absl::Milliseconds(50));
  }
  WARN("another opener knows of due work after " << absl::FormatDuration(slowest) << " at most");
  CHECK(slowest < absl::Milliseconds(400));  // sooner than asking would find it
  CHECK(told_first == 0);
}

TEST_CASE("announcement: work that the opener takes itself, or that is not due, is not announced") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  std::atomic<int> told = 0;
  ListenTo(*second, told);
  REQUIRE(SubmitDue(*first, 1, absl::Now() + absl::Seconds(30)).status.ok());
  size_t claimed_count = 0;
  int late_count = 0;  // claims that came late, as on a busy machine
  for (int i = 2; i <= 30; ++i) {
    const absl::Time began_at = absl::Now();
    REQUIRE(SubmitDue(*first, i, began_at).status.ok());
    claimed_count += first->ClaimDue({.now = absl::Now()}).value().deliveries.size();
    if (absl::Now() > began_at + absl::Milliseconds(4)) ++late_count;
    absl::SleepFor(absl::Milliseconds(10));
  }
  absl::SleepFor(absl::Milliseconds(200));
  CHECK(claimed_count == 29);
  CHECK(told <= late_count);
}

TEST_CASE("announcement: however much work there is, there are few") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  std::atomic<int> told = 0;
  ListenTo(*second, told);
  const absl::Time began_at = absl::Now();
  int writes_count = 0;
  while (absl::Now() < began_at + absl::Seconds(2)) {
    REQUIRE(SubmitDue(*first, ++writes_count, began_at).status.ok());
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - began_at);
  absl::SleepFor(absl::Milliseconds(200));
  WARN(writes_count << " writes, " << told << " announcements in " << seconds << " s");
  CHECK(told > 0);
  CHECK(told <= 45 * seconds);
}

TEST_CASE("announcement: no listener is called once it is taken away") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  std::atomic<int> told = 0;
  ListenTo(*second, told);
  dynamic_cast<WorkFeed*>(second.get())->SetWorkListener(nullptr);
  REQUIRE(SubmitDue(*first, 1, absl::Now()).status.ok());
  absl::SleepFor(absl::Milliseconds(200));
  CHECK(told == 0);
}

}  // namespace
}  // namespace convoy::testing

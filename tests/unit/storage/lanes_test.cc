// Lanes that several openers of one SQLite database claim from, at random instants and with random
// outcomes: together they keep to the rate in every window, and to the order.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/storage/sqlite/sqlite_storage.h"
#include "tests/faults/faulty_vfs.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;

constexpr int kOpeners = 3;
constexpr int kDeliveries = 150;

class Openers {
 public:
  Openers(uint64_t seed, LanePolicy policy) : random_(seed), policy_(policy) {
    FaultyVfs::Get().Arm({});
    for (auto& opener : openers_) opener = Open();
    const Event event = MakeEvent(Id('P', 1), 1);
    std::vector<Delivery> deliveries;
    for (int i = 0; i < kDeliveries; ++i) {
      deliveries.push_back(
          MakeDelivery(event, Id('E', 1), i, now_ - absl::Seconds(kDeliveries - i)));
    }
    REQUIRE(Submit(*openers_[0], event, deliveries).status.ok());
  }

  void Step() {
    now_ += absl::Microseconds(Below(absl::ToInt64Microseconds(longest_step_)));
    std::unique_ptr<Storage>& opener = openers_[random_.Below(kOpeners)];
    if (random_.Chance(3)) {  // it ends, with or without giving back what it has
      if (random_.Chance(50)) CHECK(opener->ReleaseClaims().ok());
      opener.reset();
      std::erase_if(held_, [&](const Held& held) { return held.opener == &opener; });
      opener = Open();
    }
    EndSome();
    Claim(opener);
  }

  // Whether no window holds more than the limit.
  bool is_within(const RateLimit& limit) const {
    for (size_t i = limit.count; i < times_.size(); ++i) {
      if (times_[i] - times_[i - limit.count] < limit.window) return false;
    }
    return true;
  }

  // Whether each was tried until it had ended, and only then the next one.
  bool is_in_order() const {
    for (size_t i = 1; i < ids_.size(); ++i) {
      if (ids_[i] == ids_[i - 1]) continue;
      if (ids_[i] < ids_[i - 1] || !ended_.contains(ids_[i - 1])) return false;
    }
    return true;
  }

  bool is_over() const { return ended_.size() == kDeliveries; }
  void set_longest_step(absl::Duration step) { longest_step_ = step; }

 private:
  struct Held {
    const std::unique_ptr<Storage>* opener;
    ClaimedDelivery claimed;
  };

  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(bound)));
  }

  std::unique_ptr<Storage> Open() {
    return OpenSqlite({.path = file_.path(), .vfs = FaultyVfs::Get().name()}).value();
  }

  void Claim(std::unique_ptr<Storage>& opener) {
    ClaimRequest request{.now = now_, .lease = absl::Seconds(5)};
    request.items_max = static_cast<uint32_t>(1 + Below(5));
    request.policy_of = [this](std::string_view, std::string_view) { return policy_; };
    convoy::Claim claim = opener->ClaimDue(request).value();
    for (ClaimedDelivery& claimed : claim.deliveries) {
      times_.push_back(now_);
      ids_.push_back(claimed.delivery.id);
      held_.push_back({&opener, std::move(claimed)});
    }
  }

  void EndSome() {
    while (!held_.empty() && random_.Chance(60)) {
      const auto at = held_.begin() + Below(static_cast<int64_t>(held_.size()));
      const Held held = *at;
      held_.erase(at);
      DeliveryUpdate update{.lease = held.claimed.lease, .delivery = held.claimed.delivery};
      const bool is_retry = random_.Chance(20);
      update.delivery.status = is_retry ? DeliveryStatus::kRetry : DeliveryStatus::kSuccess;
      update.delivery.due_at = now_ + absl::Milliseconds(Below(3'000));
      update.delivery.updated_at = now_;
      if (held.claimed.sets_pace && random_.Chance(20)) {
        update.lateness = absl::Milliseconds(Below(300));
      }
      const bool is_applied = Update(**held.opener, update).updates_applied[0];
      if (is_applied && !is_retry) ended_.insert(held.claimed.delivery.id);
    }
  }

  SeededRandom random_;
  const LanePolicy policy_;
  TemporaryFile file_;
  std::unique_ptr<Storage> openers_[kOpeners];
  absl::Time now_ = SampleEpoch();
  absl::Duration longest_step_ = absl::Seconds(1);
  std::vector<Held> held_;
  std::vector<absl::Time> times_;
  std::vector<std::string> ids_;
  std::set<std::string> ended_;
};

TEST_CASE("lanes: openers that claim at random never exceed a rate in any window") {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    SeededRandom random(seed);
    const RateLimit limit{
        .count = 1 + static_cast<uint32_t>(random.Below(seed % 2 == 0 ? 5 : 200)),
        .window = absl::Milliseconds(200 + static_cast<int64_t>(random.Below(5'000)))};
    INFO("seed " << seed << ": " << limit.count << " in " << absl::FormatDuration(limit.window));
    Openers openers(seed, {.rate_limit = limit});
    openers.set_longest_step(2 * Pace(limit).interval());
    for (int step = 0; step < 10'000 && !openers.is_over(); ++step) openers.Step();
    CHECK(openers.is_over());
    CHECK(openers.is_within(limit));
  }
}

TEST_CASE("lanes: openers that claim at random keep to an endpoint's order") {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    INFO("seed " << seed);
    Openers openers(seed, {.is_fifo = true});
    for (int step = 0; step < 10'000 && !openers.is_over(); ++step) openers.Step();
    CHECK(openers.is_over());
    CHECK(openers.is_in_order());
  }
}

TEST_CASE("lanes: the checks notice openers that ignore the rate or the order") {
  Openers openers(1, {});
  for (int step = 0; step < 10'000 && !openers.is_over(); ++step) openers.Step();
  CHECK(openers.is_over());
  CHECK_FALSE(openers.is_within({.count = 2, .window = absl::Seconds(3)}));
  CHECK_FALSE(openers.is_in_order());
}

}  // namespace
}  // namespace convoy::storage

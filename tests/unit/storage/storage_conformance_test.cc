// Our stores against the suite that every store must pass, and the suite against stores that break
// one rule each: a suite that does not notice proves nothing.
#include "convoy/testing/storage_conformance.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>

#include <catch2/catch.hpp>

#include "lib/base/status_macros.h"
#include "lib/storage/forwarding_storage.h"
#include "lib/storage/sqlite/connection.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

class MemoryStores : public StorageFactory {
 public:
  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override { return NewMemoryStorage(); }
};

class SqliteStores : public StorageFactory {
 public:
  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override {
    file_ = std::make_unique<TemporaryFile>();
    return OpenAgain();
  }
  absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override {
    return OpenSqliteStorage(file_->path());
  }

 protected:
  std::string path() const { return file_->path(); }

 private:
  std::unique_ptr<TemporaryFile> file_;
};

std::string TextOf(const ConformanceReport& report) {
  std::string text;
  for (const ConformanceFailure& failure : report.failures) {
    text += failure.requirement + "\n    " + failure.detail + "\n";
  }
  return text;
}

TEST_CASE("storage_conformance: memory") {
  MemoryStores stores;
  const ConformanceReport report = CheckStorage(stores);
  INFO(TextOf(report));
  CHECK(report.failures.empty());
  CHECK(report.checked.size() == 76);
  CHECK(report.skipped.size() == 8);
}

TEST_CASE("storage_conformance: sqlite") {
  SqliteStores stores;
  const ConformanceReport report = CheckStorage(stores);
  INFO(TextOf(report));
  CHECK(report.failures.empty());
  CHECK(report.checked.size() == 84);
  CHECK(report.skipped.empty());
}

// The rules that a store may break.
enum class Breach {
  kForgetsKeys,
  kIgnoresRevisions,
  kDropsBodies,
  kClaimsTwice,
  kSkipsNobody,
  kIgnoresLeases,
  kKeepsClaims,
  kOverlappingPages,
  kForgetsRedeliveries,
  kForgetsFormerKeys,
  kKeepsReleased,
  kIgnoresBounds,
  kShowsExpired,
  kStartsOver,
  kPrunesTooMuch,
  kForgetsChanges,
  kStopsAtBound,
  kEndsAtEmptyPages,
  kForgetsModes,
  kIgnoresRates,
  kHidesThrottled,
  kHidesClosures,
  kForgetsRates,
  kNeverPauses,
  kPausesForAnyone,
  kForgetsDisabled,
  kGuessesPolicies,
  kIgnoresOrder,
  kOvertakesHead,
  kForgetsTheClock,
  kForgetsLateness,
  kMiscounts,
  kServesAll,
  kRecordsAgain,
  kStoresAgain,
};

struct MemoryOwner {
  const std::unique_ptr<Storage> memory = NewMemoryStorage();
};

// A store in memory that breaks one rule.
class BrokenStorage : private MemoryOwner, public storage::ForwardingStorage {
 public:
  explicit BrokenStorage(Breach breach) : ForwardingStorage(memory.get()), breach_(breach) {}

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    for (WriteBatch* batch : batches) {
      for (Submission& submission : batch->submissions) {
        if (breach_ == Breach::kStoresAgain &&
            memory->GetEvent(submission.event.project_id, submission.event.id).ok()) {
          submission.event.id = EventId(++events_count_ + 1000);
        }
        if (breach_ == Breach::kForgetsKeys) submission.dedupe.reset();
        if (breach_ == Breach::kDropsBodies) submission.event.body.clear();
        if (breach_ == Breach::kForgetsRedeliveries) submission.redelivery.reset();
        if (breach_ == Breach::kForgetsFormerKeys) submission.former_redelivery.reset();
        for (Delivery& delivery : submission.deliveries) {
          if (breach_ == Breach::kForgetsModes) delivery.mode = DeliveryMode::kAtLeastOnce;
        }
      }
      if (breach_ == Breach::kKeepsReleased) batch->releases.clear();
      for (HeldInputWrite& hold : batch->holds) {
        if (breach_ == Breach::kIgnoresBounds) hold.items_max = 0;
      }
      for (ConfigWrite& write : batch->config) {
        if (breach_ == Breach::kIgnoresRevisions) {
          write.expected_revision = memory->ConfigRevision(write.scope).value();
        }
      }
      if (!batch->updates.empty()) has_updates_ = true;
      for (DeliveryUpdate& update : batch->updates) {
        if (breach_ == Breach::kIgnoresLeases) update.lease = last_lease_;
        if (breach_ == Breach::kForgetsLateness) update.lateness = absl::ZeroDuration();
        if (breach_ == Breach::kRecordsAgain && update.attempt.has_value()) {
          update.attempt->id = Id('A', ++attempts_count_);
        }
      }
    }
    return ForwardingStorage::Write(batches, results);
  }

  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    ClaimRequest changed = request;
    if (breach_ == Breach::kClaimsTwice) changed.lease = absl::ZeroDuration();
    if (breach_ == Breach::kSkipsNobody) changed.skipped_endpoint_ids.clear();
    if (breach_ == Breach::kForgetsTheClock) {
      latest_us_ = std::max<int64_t>(latest_us_, absl::ToUnixMicros(changed.now));
      changed.now = absl::FromUnixMicros(latest_us_);
    }
    if (breach_ == Breach::kForgetsRates && has_updates_) changed.now += absl::Seconds(10);
    if (changed.policy_of != nullptr) {
      const uint64_t revision = memory->ConfigRevision(MakeProject(1).id).value();
      changed.policy_of = [&, revision](std::string_view project_id, std::string_view endpoint_id) {
        return Distort(request.policy_of(project_id, endpoint_id), revision);
      };
    }
    auto claim = ForwardingStorage::ClaimDue(changed);
    if (breach_ == Breach::kHidesThrottled) claim->throttled_lanes.clear();
    if (!claim->deliveries.empty()) last_lease_ = claim->deliveries.back().lease;
    return claim;
  }

  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    PruneRequest changed = request;
    if (breach_ == Breach::kStartsOver) changed.after_event_id.clear();
    if (breach_ == Breach::kPrunesTooMuch) changed.items_max += 1;
    return ForwardingStorage::Prune(changed);
  }

  absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName& lane, absl::Time now) override {
    if (breach_ == Breach::kHidesClosures) return absl::InfinitePast();
    return ForwardingStorage::LaneClosedUntil(lane, now);
  }

  absl::StatusOr<std::vector<Backlog>> ListBacklogs() override {
    auto backlogs = ForwardingStorage::ListBacklogs();
    for (Backlog& backlog : *backlogs) {
      if (breach_ == Breach::kMiscounts && has_updates_) ++backlog.count;
    }
    return backlogs;
  }

  absl::Status ReleaseClaims() override {
    return breach_ == Breach::kKeepsClaims ? absl::OkStatus() : ForwardingStorage::ReleaseClaims();
  }

  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    auto answer = ForwardingStorage::ListConfig(query, page);
    if (breach_ == Breach::kOverlappingPages && answer.ok() && answer->has_next &&
        !answer->items.empty()) {
      answer->next_cursor = answer->items.back().id;
    }
    if (breach_ == Breach::kStopsAtBound && answer.ok() && answer->items.empty()) {
      answer->has_next = false;
    }
    return answer;
  }

  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    auto changes = ForwardingStorage::ConfigChangesSince(scope, since);
    if (breach_ == Breach::kForgetsChanges) changes->removes.clear();
    return changes;
  }

  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query,
                                         const PageRequest& page) override {
    auto answer = ForwardingStorage::ListEvents(query, page);
    if (breach_ == Breach::kEndsAtEmptyPages && answer->items.size() < page.items_max) {
      answer->has_next = false;
    }
    return answer;
  }

  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override {
    HeldQuery changed = query;
    if (breach_ == Breach::kShowsExpired) changed.now = absl::InfinitePast();
    return ForwardingStorage::ListHeld(changed, page);
  }

 private:
  std::optional<LanePolicy> Distort(std::optional<LanePolicy> policy, uint64_t revision) const {
    if (breach_ == Breach::kGuessesPolicies && !policy.has_value()) policy = LanePolicy{};
    if (!policy.has_value()) return policy;
    if (breach_ == Breach::kIgnoresRates) policy->rate_limit.count = 0;
    if (breach_ == Breach::kNeverPauses) policy->is_paused = false;
    if (breach_ == Breach::kServesAll) policy->is_unserved = false;
    if (breach_ == Breach::kPausesForAnyone) policy->revision = revision;
    if (breach_ == Breach::kForgetsDisabled && policy->is_disabled) {
      *policy = {.is_paused = true, .revision = policy->revision};
    }
    if (breach_ == Breach::kIgnoresOrder) policy->is_fifo = false;
    if (breach_ == Breach::kOvertakesHead && has_updates_) policy->is_fifo = false;
    return policy;
  }

  const Breach breach_;
  std::atomic<bool> has_updates_ = false;
  std::atomic<int> attempts_count_ = 0, events_count_ = 0;
  std::atomic<int64_t> latest_us_ = 0;
  std::atomic<uint64_t> last_lease_ = 0;
};

class BrokenStores : public StorageFactory {
 public:
  explicit BrokenStores(Breach breach) : breach_(breach) {}
  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override {
    return std::make_unique<BrokenStorage>(breach_);
  }

 private:
  const Breach breach_;
};

TEST_CASE("storage_conformance: a store that breaks a rule is found out, by the rule's name") {
  const auto [breach, requirement] = GENERATE(table<Breach, std::string>({
      {Breach::kForgetsKeys, "of equal keys the first is accepted, until the key expires"},
      {Breach::kIgnoresRevisions,
       "configuration is written only against the revision that was read"},
      {Breach::kDropsBodies, "an event comes back as it went in, with its delivery"},
      {Breach::kClaimsTwice, "a delivery is handed out once until its lease ends"},
      {Breach::kSkipsNobody, "claiming is fair between endpoints and skips those it is told to"},
      {Breach::kIgnoresLeases, "an outcome counts only while its lease holds"},
      {Breach::kRecordsAgain,
       "an attempt that is recorded already stays as it is and refuses nothing"},
      {Breach::kStoresAgain, "an event that is stored already stays as it is and refuses nothing"},
      {Breach::kKeepsClaims, "claims given back are due as before"},
      {Breach::kOverlappingPages, "lists are walked in both directions without gaps or repetition"},
      {Breach::kForgetsRedeliveries,
       "an input that comes again is not stored again, whatever became of it"},
      {Breach::kForgetsFormerKeys,
       "an input known to be new is stored, and one under a former key is not"},
      {Breach::kKeepsReleased, "an input is released once, together with its event"},
      {Breach::kIgnoresBounds, "of one source and kind no more are held than wanted, the newest"},
      {Breach::kShowsExpired, "an expired input is not there, and later holds take it away"},
      {Breach::kStartsOver, "an event that has not ended stays, and holds nothing up"},
      {Breach::kPrunesTooMuch, "pruning goes in bounded pieces"},
      {Breach::kForgetsChanges,
       "the feed of a scope tells what was put and removed since a revision"},
      {Breach::kStopsAtBound, "a list finds everything although a page looks at a bounded part"},
      {Breach::kEndsAtEmptyPages, "a list goes on behind the rows that a page may look at"},
      {Breach::kForgetsModes,
       "a delivery of mode at_most_once is not handed out again without an outcome"},
      {Breach::kIgnoresRates,
       "a lane gives what its rate allows, the longest due first, and leaves the rest as it is"},
      {Breach::kHidesThrottled,
       "a lane that its rate has closed is told of and is not due before it opens"},
      {Breach::kHidesClosures,
       "a lane that its rate has closed is told of and is not due before it opens"},
      {Breach::kForgetsRates, "what is used of a rate is remembered when nothing waits"},
      {Breach::kNeverPauses, "a paused lane sleeps until its endpoint is changed"},
      {Breach::kPausesForAnyone, "a paused lane sleeps until its endpoint is changed"},
      {Breach::kForgetsDisabled,
       "a disabled lane sleeps until its endpoint is changed, and keeps nothing from retention"},
      {Breach::kGuessesPolicies, "a lane whose policy is not known is told of and left alone"},
      {Breach::kServesAll, "a lane that this opener does not serve is told of and left as it is"},
      {Breach::kForgetsLateness, "what follows a delivery that was sent late keeps its distance"},
      {Breach::kMiscounts, "backlogs count what has not ended, and know what is due longest"},
      {Breach::kForgetsTheClock,
       "when the clock is set back, nothing waits for longer than it was to"},
      {Breach::kIgnoresOrder, "a lane in order stays so until its endpoint is changed"},
      {Breach::kOvertakesHead,
       "a lane in order gives one at a time, and none past one that waits for another try"},
  }));
  BrokenStores stores(breach);
  const ConformanceReport report = CheckStorage(stores);
  INFO(requirement);
  CHECK(std::any_of(report.failures.begin(), report.failures.end(),
                    [&](const auto& failure) { return failure.requirement == requirement; }));
}

TEST_CASE("storage_conformance: a store whose dead openers seem to live on is found out") {
  // Each store that is closed is kept open behind the scenes.
  class Undead : public SqliteStores {
   public:
    absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override {
      CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Storage> opened, SqliteStores::OpenAgain());
      kept_.push_back(std::move(opened));
      return std::make_unique<storage::ForwardingStorage>(kept_.back().get());
    }

   private:
    std::vector<std::unique_ptr<Storage>> kept_;
  };
  Undead stores;
  const ConformanceReport report = CheckStorage(stores);
  std::set<std::string> broken;
  for (const ConformanceFailure& failure : report.failures) broken.insert(failure.requirement);
  CHECK(broken ==
        std::set<std::string>{
            "openers keep to the order of a lane together",
            "the claims of an opener that has died are due for the others within seconds",
            "the claims of an opener that has died are due when the store is opened again"});
}

TEST_CASE("storage_conformance: a store whose openers do not share rates is found out") {
  class Selfish : public SqliteStores {
   public:
    absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override {
      CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Storage> opened, SqliteStores::OpenAgain());
      auto connection = storage::Connection::Open({.path = path()});
      CONVOY_RETURN_IF_ERROR(connection.status());
      CONVOY_RETURN_IF_ERROR(
          (*connection)
              ->Execute("UPDATE lane SET wake_at_us = 0, arrival_us = 0, closed_until_us = 0"));
      return opened;
    }
  };
  Selfish stores;
  const ConformanceReport report = CheckStorage(stores);
  INFO(TextOf(report));
  REQUIRE(report.failures.size() == 1);
  CHECK(report.failures[0].requirement == "openers share the rate of a lane, which outlives them");
}

TEST_CASE("storage_conformance: a store that does not open is a failure of every requirement") {
  class ClosedStores : public StorageFactory {
   public:
    absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override {
      return absl::UnavailableError("closed");
    }
  };
  ClosedStores stores;
  const ConformanceReport report = CheckStorage(stores);
  CHECK(report.failures.size() == report.checked.size());
  CHECK_FALSE(report.checked.empty());
}

}  // namespace
}  // namespace convoy::testing

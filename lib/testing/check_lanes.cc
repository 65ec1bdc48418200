// Checks of lanes: how much of an endpoint's traffic is handed out, and when it is looked at again.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "convoy/lane.h"
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

// Policies by the endpoint's id; those that are not there are not known.
using Policies = std::map<std::string, LanePolicy>;

std::string ProjectId() { return MakeProject(1).id; }

ClaimRequest RequestAt(absl::Time now, const Policies& policies) {
  return {.now = now,
          .lease = absl::Hours(1),
          .policy_of = [policies](std::string_view, std::string_view endpoint_id) {
            const auto found = policies.find(std::string(endpoint_id));
            return found == policies.end() ? std::nullopt : std::optional(found->second);
          }};
}

LanePolicy Limited(uint32_t count, absl::Duration window) {
  return {.rate_limit = {.count = count, .window = window}};
}

// Deliveries of one event to one endpoint, the first one the longest due.
std::vector<Delivery> MakeBacklog(int endpoint, int first, int count, int event = 1) {
  std::vector<Delivery> deliveries;
  for (int i = 0; i < count; ++i) {
    const absl::Time due_at = SampleEpoch() - absl::Seconds(count - i);
    deliveries.push_back(
        MakeDelivery(MakeEvent(ProjectId(), event), Id('E', endpoint), first + i, due_at));
  }
  return deliveries;
}

std::vector<std::string> IdsOf(const std::vector<Delivery>& deliveries) {
  std::vector<std::string> ids;
  for (const Delivery& delivery : deliveries) ids.push_back(delivery.id);
  return ids;
}

// The deliveries that were handed out, and when.
struct Record {
  std::vector<std::string> ids;
  std::vector<absl::Time> times;
  int claims_count = 0;

  // Claims each time that something is due, until `count` were handed out.
  void ClaimUntil(Expectations& expect, Storage& storage, const Policies& policies, size_t count) {
    absl::Time now = times.empty() ? SampleEpoch() : times.back();
    while (times.size() < count && claims_count < 10'000) {
      const Claim claim = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, policies)));
      ++claims_count;
      for (const ClaimedDelivery& claimed : claim.deliveries) {
        ids.push_back(claimed.delivery.id);
        times.push_back(now);
      }
      const absl::Time next = std::max(claim.next_due_at, now + absl::Microseconds(1));
      if (next == absl::InfiniteFuture()) return;
      now = next;
    }
  }

  bool HoldsIn(const RateLimit& limit) const {
    for (size_t i = limit.count; i < times.size(); ++i) {
      if (times[i] - times[i - limit.count] < limit.window) return false;
    }
    return true;
  }
};

void CheckRate(Expectations& expect, Storage& storage) {
  const LanePolicy policy = Limited(10, absl::Seconds(10));
  const std::vector<Delivery> backlog = MakeBacklog(1, 1, 40);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), backlog).status);
  Record record;
  record.ClaimUntil(expect, storage, {{Id('E', 1), policy}}, 20);
  CONVOY_REQUIRE(record.times.size() == 20);
  // A delivery that waits is as it was.
  const Delivery waiting = backlog.back();
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(ProjectId(), waiting.id)) == waiting);
  record.ClaimUntil(expect, storage, {{Id('E', 1), policy}}, 40);
  CONVOY_EXPECT_SAME(record.ids, IdsOf(backlog));
  CONVOY_EXPECT(record.HoldsIn(policy.rate_limit));
  CONVOY_EXPECT(record.claims_count <= 80);
  CONVOY_EXPECT(record.times.back() - record.times.front() < absl::Seconds(42));
}

void CheckThrottledTold(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const Policies policies = {{Id('E', 1), Limited(1, absl::Seconds(10))}, {Id('E', 2), {}}};
  std::vector<Delivery> deliveries = MakeBacklog(1, 1, 3);
  for (const Delivery& delivery : MakeBacklog(2, 10, 9)) deliveries.push_back(delivery);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), deliveries).status);
  const Claim first = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, policies)));
  CONVOY_EXPECT(first.deliveries.size() == 1 + 9);
  CONVOY_REQUIRE(first.throttled_lanes.size() == 1);
  CONVOY_EXPECT(first.throttled_lanes[0].lane.project_id == ProjectId());
  CONVOY_EXPECT(first.throttled_lanes[0].lane.endpoint_id == Id('E', 1));
  CONVOY_EXPECT(first.throttled_lanes[0].until == first.next_due_at);
  CONVOY_EXPECT(first.next_due_at >= now + absl::Seconds(10));
  CONVOY_EXPECT(first.next_due_at < now + absl::Seconds(12));
  // Also to those that have not claimed.
  const auto closed_until = [&](int endpoint, absl::Time at) {
    return storage.LaneClosedUntil({ProjectId(), Id('E', endpoint)}, at);
  };
  CONVOY_EXPECT(CONVOY_VALUE(closed_until(1, now)) == first.next_due_at);
  CONVOY_EXPECT(CONVOY_VALUE(closed_until(1, first.next_due_at)) == absl::InfinitePast());
  CONVOY_EXPECT(CONVOY_VALUE(closed_until(2, now)) == absl::InfinitePast());
  CONVOY_EXPECT(CONVOY_VALUE(closed_until(3, now)) == absl::InfinitePast());
  CONVOY_EXPECT(CONVOY_VALUE(storage.LaneClosedUntil({"other", Id('E', 1)}, now)) ==
                absl::InfinitePast());
  // More of it does not open it.
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 2), MakeBacklog(1, 30, 3, 2)).status);
  const Claim second = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, policies)));
  CONVOY_EXPECT(second.deliveries.empty());
  CONVOY_EXPECT(second.next_due_at == first.next_due_at);
}

// The use of a rate outlives the deliveries that used it.
void CheckRateRemembered(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const Policies policies = {{Id('E', 1), Limited(1, absl::Seconds(10))}};
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), MakeBacklog(1, 1, 1)).status);
  const Claim first = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, policies)));
  CONVOY_REQUIRE(first.deliveries.size() == 1);
  // It is closed, and holds nothing back.
  CONVOY_EXPECT(CONVOY_VALUE(storage.LaneClosedUntil({ProjectId(), Id('E', 1)}, now)) ==
                absl::InfinitePast());
  DeliveryUpdate done{.lease = first.deliveries[0].lease, .delivery = first.deliveries[0].delivery};
  done.delivery.status = DeliveryStatus::kSuccess;
  CONVOY_EXPECT(Update(storage, done).updates_applied == std::vector<bool>{true});
  const auto claim_after = [&](absl::Duration time) {
    return storage.ClaimDue(RequestAt(now + time, policies));
  };
  CONVOY_EXPECT(CONVOY_VALUE(claim_after(absl::Seconds(1))).deliveries.empty());
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 2), MakeBacklog(1, 2, 1, 2)).status);
  CONVOY_EXPECT(CONVOY_VALUE(claim_after(absl::Seconds(9))).deliveries.empty());
  CONVOY_EXPECT(CONVOY_VALUE(claim_after(absl::Seconds(11))).deliveries.size() == 1);
}

// The next ones keep their distance from a delivery that was sent late.
void CheckLateness(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const Policies policies = {{Id('E', 1), Limited(1, absl::Seconds(10))}, {Id('E', 2), {}}};
  std::vector<Delivery> deliveries = MakeBacklog(1, 1, 3);
  deliveries.push_back(MakeBacklog(2, 10, 1)[0]);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), deliveries).status);
  const auto claim_after = [&](absl::Duration time) {
    return storage.ClaimDue(RequestAt(now + time, policies));
  };
  const Claim first = CONVOY_VALUE(claim_after(absl::ZeroDuration()));
  CONVOY_REQUIRE(first.deliveries.size() == 2);
  for (const ClaimedDelivery& claimed : first.deliveries) {
    CONVOY_EXPECT(claimed.sets_pace == (claimed.delivery.endpoint_id == Id('E', 1)));
    DeliveryUpdate done{.lease = claimed.lease, .delivery = claimed.delivery};
    done.delivery.status = DeliveryStatus::kSuccess;
    if (claimed.sets_pace) done.lateness = absl::Seconds(3);
    CONVOY_EXPECT(Update(storage, done).updates_applied == std::vector<bool>{true});
  }
  const Claim early = CONVOY_VALUE(claim_after(absl::Seconds(12)));
  CONVOY_EXPECT(early.deliveries.empty());
  CONVOY_EXPECT(early.next_due_at >= now + absl::Seconds(13));
  CONVOY_EXPECT(CONVOY_VALUE(claim_after(absl::Seconds(14))).deliveries.size() == 1);
}

void CheckPause(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {MakeEndpoint(ProjectId(), 1)}).status);
  const uint64_t revision = CONVOY_VALUE(storage.ConfigRevision(ProjectId()));
  const Policies paused = {{Id('E', 1), {.is_paused = true, .revision = revision}}};
  const std::vector<Delivery> backlog = MakeBacklog(1, 1, 2);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), backlog).status);
  const Claim none = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, paused)));
  CONVOY_EXPECT(none.deliveries.empty() && none.unknown_lanes.empty());
  CONVOY_EXPECT(none.next_due_at == now + kLaneClosureMax);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(ProjectId(), backlog[0].id)) == backlog[0]);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 2), MakeBacklog(1, 3, 1, 2)).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ClaimDue(RequestAt(now, {}))).next_due_at == none.next_due_at);

  // A change wakes it. An opener that still takes it for paused does not make it sleep again.
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {MakeEndpoint(ProjectId(), 1)}).status);
  const Claim stale = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, paused)));
  CONVOY_EXPECT(stale.deliveries.empty() && stale.unknown_lanes.size() == 1);
  CONVOY_EXPECT(stale.next_due_at <= now);
  const Claim all = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, {{Id('E', 1), {}}})));
  CONVOY_EXPECT(all.deliveries.size() == 3);
}

void CheckDisabled(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch() + absl::Hours(1);
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {MakeEndpoint(ProjectId(), 1)}).status);
  Policies policies = {{Id('E', 1), {.is_disabled = true}}, {Id('E', 2), {.is_paused = true}}};
  for (auto& [endpoint_id, policy] : policies) {
    policy.revision = CONVOY_VALUE(storage.ConfigRevision(ProjectId()));
  }
  for (int event : {1, 2, 3}) {
    const int endpoint = event == 3 ? 1 : event;
    CONVOY_REQUIRE_OK(
        Submit(storage, MakeEvent(ProjectId(), event), MakeBacklog(endpoint, 10 * event, 1, event))
            .status);
  }
  const auto prune = [&] { return storage.Prune({.events_before = now}); };
  const auto has = [&](int event) {
    return storage.GetEvent(ProjectId(), MakeEvent(ProjectId(), event).id).ok();
  };
  CONVOY_EXPECT(CONVOY_VALUE(prune()).events_count == 0);  // nothing is known of the lanes
  const Claim none = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, policies)));
  CONVOY_EXPECT(none.deliveries.empty() && none.next_due_at == now + kLaneClosureMax);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(ProjectId(), Id('D', 10))).status ==
                DeliveryStatus::kScheduled);
  // It goes on when its endpoint is changed, and until then only age removes it.
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {MakeEndpoint(ProjectId(), 1)}).status);
  CONVOY_EXPECT(CONVOY_VALUE(prune()).events_count == 0);
  for (auto& [endpoint_id, policy] : policies) ++policy.revision;
  CONVOY_EXPECT(CONVOY_VALUE(storage.ClaimDue(RequestAt(now, policies))).deliveries.empty());
  CONVOY_EXPECT(CONVOY_VALUE(prune()).events_count == 2);
  CONVOY_EXPECT(!has(1) && has(2) && !has(3));
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListBacklogs()).at(0).count == 1);
}

void CheckUnknown(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  std::vector<Delivery> deliveries = MakeBacklog(1, 1, 3);
  for (const Delivery& delivery : MakeBacklog(2, 10, 3)) deliveries.push_back(delivery);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), deliveries).status);
  const Claim first = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, {{Id('E', 1), {}}})));
  CONVOY_EXPECT(first.deliveries.size() == 3);
  CONVOY_REQUIRE(first.unknown_lanes.size() == 1);
  CONVOY_EXPECT(first.unknown_lanes[0].project_id == ProjectId());
  CONVOY_EXPECT(first.unknown_lanes[0].endpoint_id == Id('E', 2));
  CONVOY_EXPECT(first.next_due_at <= now);
  const Claim second = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, {{Id('E', 2), {}}})));
  CONVOY_EXPECT(second.deliveries.size() == 3 && second.unknown_lanes.empty());
}

// Another opener may serve it, so it stays due.
void CheckUnserved(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  std::vector<Delivery> deliveries = MakeBacklog(1, 1, 2);
  deliveries.push_back(MakeBacklog(2, 10, 1)[0]);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), deliveries).status);
  const Policies unserved = {{Id('E', 1), {.is_unserved = true}}, {Id('E', 2), {}}};
  const Claim first = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, unserved)));
  CONVOY_EXPECT(first.deliveries.size() == 1 && first.unknown_lanes.empty());
  CONVOY_REQUIRE(first.unserved_lanes.size() == 1);
  CONVOY_EXPECT(first.unserved_lanes[0].project_id == ProjectId());
  CONVOY_EXPECT(first.unserved_lanes[0].endpoint_id == Id('E', 1));
  CONVOY_EXPECT(first.next_due_at <= now);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(ProjectId(), deliveries[0].id)) == deliveries[0]);
  ClaimRequest skipping = RequestAt(now, unserved);
  skipping.skipped_endpoint_ids = {Id('E', 1)};
  const Claim none = CONVOY_VALUE(storage.ClaimDue(skipping));
  CONVOY_EXPECT(none.deliveries.empty() && none.unserved_lanes.empty() && none.next_due_at > now);
  const Claim served = CONVOY_VALUE(storage.ClaimDue(RequestAt(now, {{Id('E', 1), {}}})));
  CONVOY_EXPECT(served.deliveries.size() == 2);
}

void CheckSharedRate(Expectations& expect, StorageFactory& stores) {
  const LanePolicy policy = Limited(10, absl::Seconds(10));
  const Policies policies = {{Id('E', 1), policy}};
  std::unique_ptr<Storage> first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  const std::vector<Delivery> backlog = MakeBacklog(1, 1, 60);
  CONVOY_REQUIRE_OK(Submit(*first, MakeEvent(ProjectId(), 1), backlog).status);
  std::unique_ptr<Storage> second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  Record record;
  for (size_t count = 3; count <= 30; count += 3) {
    record.ClaimUntil(expect, count % 2 == 0 ? *first : *second, policies, count);
  }
  // Also after a restart of all of them. Their claims stay here, and come again.
  first.reset();
  second.reset();
  const std::unique_ptr<Storage> third = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(third != nullptr);
  record.ClaimUntil(expect, *third, policies, 60);
  CONVOY_EXPECT(record.times.size() == 60);
  CONVOY_EXPECT(record.HoldsIn(policy.rate_limit));
  CONVOY_EXPECT(record.times.back() - record.times.front() < absl::Seconds(62));
}

constexpr StorageRequirement kRequirements[] = {
    {"a lane gives what its rate allows, the longest due first, and leaves the rest as it is",
     CheckRate},
    {"a lane that its rate has closed is told of and is not due before it opens",
     CheckThrottledTold},
    {"a disabled lane sleeps until its endpoint is changed, and keeps nothing from retention",
     CheckDisabled},
    {"what is used of a rate is remembered when nothing waits", CheckRateRemembered},
    {"what follows a delivery that was sent late keeps its distance", CheckLateness},
    {"a paused lane sleeps until its endpoint is changed", CheckPause},
    {"a lane whose policy is not known is told of and left alone", CheckUnknown},
    {"a lane that this opener does not serve is told of and left as it is", CheckUnserved},
    {.sentence = "openers share the rate of a lane, which outlives them",
     .check_openers = CheckSharedRate},
};

}  // namespace

std::span<const StorageRequirement> LaneRequirements() { return kRequirements; }

}  // namespace convoy::testing

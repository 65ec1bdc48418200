// Random sequences of every operation on the store in memory and on another one, each answer
// compared: for tests that hold our stores against each other.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/model/names.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {

// The same delivery claimed in both stores, under the lease of each.
struct TwinClaim {
  Delivery delivery;
  uint64_t memory_lease = 0;
  uint64_t other_lease = 0;
};

class Twins {
 public:
  // `other` is empty.
  Twins(uint64_t seed, std::unique_ptr<Storage> other)
      : random_(seed), memory_(NewMemoryStorage()), other_(std::move(other)) {
    ClaimAllDue();  // what the clock says first is known to both
  }

  void Step() {
    const int draw = Below(13);
    if (draw < 2) return Configure();
    if (draw < 5) return CommitSeveral();
    if (draw < 7) return ClaimAllDue();
    if (draw == 7) {
      now_ += absl::Seconds(Below(40));
      if (!random_.Chance(5)) return;
      now_ -= absl::Minutes(1 + Below(120));
      return ClaimAllDue();
    }
    if (draw == 8) return random_.Chance(30) ? ReleaseAll() : void();
    if (draw == 9) return ReadSingles();
    if (draw == 10) return Prune();
    List();
  }

 private:
  int Below(int bound) { return static_cast<int>(random_.Below(static_cast<uint64_t>(bound))); }

  // Few projects and ids, so that things meet.
  std::string AnyProject() { return Id('P', 1 + Below(3)); }
  int AnyNumber() { return 1 + Below(8); }
  // Endpoints of different projects have different ids, as in life.
  int EndpointIn(const std::string& project) { return (project.back() - '0') * 100 + Below(5); }
  std::string AnyOf(char kind, int count) { return Id(kind, count == 0 ? 0 : Below(count)); }
  absl::Time AnyTime() { return now_ + absl::Seconds(Below(60) - 20); }

  template <typename T>
  static std::string Describe(const absl::StatusOr<T>& answer) {
    return answer.status().ToString();
  }

  template <typename T>
  void CheckSame(const absl::StatusOr<T>& memory, const absl::StatusOr<T>& other) {
    CHECK(Describe(memory) == Describe(other));
    if (memory.ok() && other.ok()) CHECK((*memory == *other));
  }

  // Writing.

  ConfigRecord AnyObject(const std::string& project) {
    const int number = AnyNumber();
    switch (Below(5)) {
      case 0: {
        Project named = MakeProject(1 + Below(3));
        if (random_.Chance(30)) named.name = absl::StrCat("project ", 1 + Below(4));
        named.logo_url = absl::StrCat(random_.Below(1000));
        return named;
      }
      case 1: {
        Source source = MakeSource(project, (project.back() - '0') * 100 + number);
        if (random_.Chance(30)) source.mask_id = absl::StrCat("mask ", Below(6));
        source.type = static_cast<SourceType>(Below(4));
        source.provider = static_cast<Provider>(Below(4));
        return source;
      }
      case 2: {
        Endpoint endpoint = MakeEndpoint(project, EndpointIn(project));
        endpoint.owner_id = Below(2) == 0 ? "" : absl::StrCat("owner ", Below(2));
        endpoint.name = absl::StrCat("Name_", Below(5), "%");
        return endpoint;
      }
      case 3: {
        Subscription subscription =
            MakeSubscription(project, (project.back() - '0') * 100 + number, EndpointIn(project));
        if (random_.Chance(40)) subscription.source_id = Id('O', 100 + AnyNumber());
        return subscription;
      }
      default: {
        ApiKey key = MakeApiKey(random_.Chance(20) ? "" : project, number);
        if (random_.Chance(30)) key.mask_id = absl::StrCat("mask ", Below(6));
        return key;
      }
    }
  }

  ConfigRef AnyRef(const std::string& project) {
    const int number = (project.back() - '0') * 100;
    switch (Below(12)) {
      case 0:
        return {ConfigKind::kProject, project};
      case 1:
      case 2:
        return {ConfigKind::kSource, Id('O', number + AnyNumber())};
      case 3:
      case 4:
      case 5:
        return {ConfigKind::kEndpoint, Id('E', EndpointIn(project))};
      case 6:
      case 7:
        return {ConfigKind::kApiKey, Id('K', AnyNumber())};
      default:
        return {ConfigKind::kSubscription, Id('S', number + AnyNumber())};
    }
  }

  std::vector<ConfigWrite> AnyConfig() {
    std::vector<ConfigWrite> writes;
    std::map<std::string, uint64_t> raised;
    for (int i = 0; i <= Below(2); ++i) {
      const std::string project = AnyProject();
      ConfigWrite write{.scope = random_.Chance(20) ? "" : project};
      write.expected_revision =
          memory_->ConfigRevision(write.scope).value() + raised[write.scope]++;
      if (random_.Chance(10)) write.expected_revision += 1;
      for (int k = Below(4); k > 0; --k) write.puts.push_back(AnyObject(project));
      for (int k = random_.Chance(30) ? 1 : 0; k > 0; --k) write.removes.push_back(AnyRef(project));
      writes.push_back(std::move(write));
    }
    return writes;
  }

  Delivery AnyDelivery(const Event& event) {
    const std::string endpoint = Id('E', EndpointIn(event.project_id));
    Delivery delivery = MakeDelivery(event, endpoint, next_delivery_++, AnyTime());
    delivery.subscription_id = AnyOf('S', 4);
    if (random_.Chance(10)) delivery.status = static_cast<DeliveryStatus>(2 + Below(4));
    delivery.attempts_count = delivery.status == DeliveryStatus::kScheduled ? 0 : 2;
    return delivery;
  }

  Submission AnySubmission() {
    const std::string project = AnyProject();
    Submission submission{.event = MakeEvent(project, next_event_++)};
    submission.event.created_at = now_;
    if (random_.Chance(60)) submission.event.idempotency_key = absl::StrCat("key ", Below(6));
    submission.event.event_type = absl::StrCat("type ", Below(3));
    submission.event.source_id = random_.Chance(50) ? AnyOf('O', 3) : "";
    for (int i = Below(4); i > 0; --i) {
      submission.deliveries.push_back(AnyDelivery(submission.event));
      submission.event.endpoint_ids.push_back(submission.deliveries.back().endpoint_id);
    }
    if (!submission.event.idempotency_key.empty()) {
      submission.dedupe = DedupeKey{.scope = project, .key = submission.event.idempotency_key};
      if (random_.Chance(50)) submission.dedupe->expires_at = AnyExpiry();
    }
    submission.redelivery = AnyRedelivery(project);
    submission.former_redelivery = AnyRedelivery(project);
    events_.push_back(submission.event);
    return submission;
  }

  // Of a few sources and with a short life, so that bounds and expiry matter.
  HeldInput AnyInput() {
    const std::string project = AnyProject();
    HeldInput input = MakeHeld(project, next_held_++, (project.back() - '0') * 100 + 1 + Below(3));
    if (random_.Chance(10)) input.project_id = AnyProject();
    input.kind = static_cast<HeldKind>(Below(2));
    input.reason = absl::StrCat("reason ", Below(3));
    input.received_at = now_;
    if (random_.Chance(80)) input.expires_at = now_ + absl::Seconds(Below(200));
    return input;
  }

  // Of the same few positions whatever becomes of the input.
  std::optional<DedupeKey> AnyRedelivery(const std::string& project) {
    if (random_.Chance(60)) return std::nullopt;
    return DedupeKey{.scope = project,
                     .key = absl::StrCat("position ", Below(8)),
                     .expires_at = AnyExpiry(),
                     .is_taken_over = random_.Chance(20)};
  }

  // No two at one instant: which of them would go first is not said.
  absl::Time AnyExpiry() {
    return now_ + absl::Seconds(Below(50)) + absl::Microseconds(++expiries_count_);
  }

  void AddHolds(WriteBatch& batch) {
    for (int i = Below(3); i > 0; --i) {
      HeldInputWrite hold{.input = AnyInput(), .items_max = static_cast<uint32_t>(Below(5))};
      hold.redelivery = AnyRedelivery(hold.input.project_id);
      hold.former_redelivery = AnyRedelivery(hold.input.project_id);
      batch.holds.push_back(std::move(hold));
    }
    if (!random_.Chance(25)) return;
    for (int i = 1 + Below(2); i > 0; --i) {
      batch.releases.push_back({.project_id = AnyProject(), .held_id = AnyHeldId()});
    }
  }

  // One of the latest: others are gone.
  std::string AnyHeldId() { return Id('H', std::max(0, next_held_ - 1 - Below(12))); }

  // The same update for both, but for the lease, which is sometimes a wrong one.
  std::pair<DeliveryUpdate, DeliveryUpdate> AnyUpdate() {
    const size_t index = random_.Below(claims_.size());
    const TwinClaim claim = claims_[index];
    claims_.erase(claims_.begin() + static_cast<ptrdiff_t>(index));
    DeliveryUpdate update{.lease = claim.memory_lease, .delivery = claim.delivery};
    update.delivery.status = static_cast<DeliveryStatus>(2 + Below(4));
    update.delivery.attempts_count += 1;
    update.delivery.due_at = AnyTime();
    update.delivery.description = absl::StrCat("because ", random_.Below(100));
    update.delivery.latency = absl::Microseconds(Below(1000));
    update.delivery.updated_at = now_;
    if (random_.Chance(80)) update.attempt = MakeTimedAttempt(claim.delivery, next_attempt_++);
    if (random_.Chance(20)) update.lateness = absl::Milliseconds(Below(5'000));
    DeliveryUpdate twin = update;
    twin.lease = claim.other_lease;
    if (random_.Chance(10)) update.lease = twin.lease = 1'000'000'007;
    return {update, twin};
  }

  std::string AnyDeliveryId() { return Id('D', Below(next_delivery_ + 1)); }

  DeliveryRequeue AnyRequeue() {
    DeliveryRequeue requeue{.project_id = AnyProject(), .delivery_id = AnyDeliveryId()};
    for (int i = Below(4); i > 0; --i) {
      requeue.from.push_back(static_cast<DeliveryStatus>(Below(6)));
    }
    requeue.due_at = AnyTime();
    return requeue;
  }

  void AddAny(WriteBatch& memory, WriteBatch& other) {
    WriteBatch both;
    if (random_.Chance(10)) both.config = AnyConfig();
    for (int i = Below(3); i > 0; --i) both.submissions.push_back(AnySubmission());
    if (random_.Chance(20) && !events_.empty()) {
      both.extra_deliveries.push_back(AnyDelivery(events_[random_.Below(events_.size())]));
    }
    if (random_.Chance(30)) both.requeues.push_back(AnyRequeue());
    if (random_.Chance(40)) AddHolds(both);
    memory = both;
    other = both;
    for (int i = Below(4); i > 0 && !claims_.empty(); --i) {
      auto [update, twin] = AnyUpdate();
      memory.updates.push_back(std::move(update));
      other.updates.push_back(std::move(twin));
    }
  }

  void Configure() {
    WriteBatch batch;
    batch.config = AnyConfig();
    CommitBoth({batch}, {batch});
  }

  void CommitSeveral() {
    std::vector<WriteBatch> memory(1 + random_.Below(4));
    std::vector<WriteBatch> other(memory.size());
    for (size_t i = 0; i < memory.size(); ++i) AddAny(memory[i], other[i]);
    CommitBoth(std::move(memory), std::move(other));
  }

  void CommitBoth(std::vector<WriteBatch> memory, std::vector<WriteBatch> other) {
    const auto commit = [](Storage& storage, std::vector<WriteBatch>& batches) {
      std::vector<WriteBatch*> pointers;
      for (WriteBatch& batch : batches) pointers.push_back(&batch);
      std::vector<CommitResult> results(batches.size());
      REQUIRE(storage.Commit(pointers, results).ok());
      return results;
    };
    const auto theirs = commit(*memory_, memory);
    const auto ours = commit(*other_, other);
    RemoveRetired();
    for (size_t i = 0; i < theirs.size(); ++i) {
      INFO("batch " << i);
      CHECK(theirs[i].status.ToString() == ours[i].status.ToString());
      CHECK(theirs[i].submissions == ours[i].submissions);
      CHECK(theirs[i].updates_applied == ours[i].updates_applied);
      CHECK(theirs[i].requeues_applied == ours[i].requeues_applied);
    }
  }

  // Rows of a removed project are out of sight, and take space until pruning has got to them.
  void RemoveRetired() {
    while (other_->Prune({}).value().may_have_more) continue;
  }

  // Work.

  // Stores may hand work out in any order and portions: a caller that goes on asking gets the same.
  // By the endpoint: one at a time, a fast or a slow rate, paused or not known now and then.
  std::optional<LanePolicy> PolicyOf(std::string_view project_id, std::string_view endpoint_id) {
    LanePolicy policy;
    policy.is_fifo = endpoint_id.back() == '0';
    if (endpoint_id.back() == '1') policy.rate_limit = {.count = 200, .window = absl::Seconds(1)};
    if (endpoint_id.back() == '2') policy.rate_limit = {.count = 3, .window = absl::Seconds(30)};
    if (endpoint_id.back() == '3') {
      if (phase_ == 0 && !known_.contains(endpoint_id)) return std::nullopt;
      policy.is_paused = phase_ == 1;
    }
    policy.is_disabled = endpoint_id.back() == '4' && phase_ >= 2;
    const auto revision = revisions_.find(std::string(project_id));
    policy.revision = revision == revisions_.end() ? 0 : revision->second;
    return policy;
  }

  void ClaimAllDue() {
    phase_ = Below(4);
    for (int i = 1; i <= 3; ++i) {
      revisions_[Id('P', i)] = memory_->ConfigRevision(Id('P', i)).value();
    }

    ClaimRequest request{.now = now_, .lease = absl::Seconds(1 + Below(60))};
    request.items_max = static_cast<uint32_t>(1 + Below(30));
    request.items_per_endpoint_max = static_cast<uint32_t>(1 + Below(8));
    for (int i = Below(3); i > 0; --i) {
      request.skipped_endpoint_ids.push_back(Id('E', EndpointIn(AnyProject())));
    }
    for (int i = Below(3); i > 0; --i) {
      request.items_max_of_endpoint[Id('E', EndpointIn(AnyProject()))] =
          static_cast<uint32_t>(1 + Below(12));
    }
    request.policy_of = [this](std::string_view project_id, std::string_view endpoint_id) {
      return PolicyOf(project_id, endpoint_id);
    };
    const std::map<std::string, ClaimedDelivery> theirs = Drain(*memory_, request);
    const std::map<std::string, ClaimedDelivery> ours = Drain(*other_, request);
    REQUIRE(theirs.size() == ours.size());
    for (const auto& [id, claimed] : theirs) {
      REQUIRE(ours.contains(id));
      const ClaimedDelivery& twin = ours.at(id);
      CHECK(claimed.delivery == twin.delivery);
      CHECK(*claimed.event == *twin.event);
      claims_.push_back({claimed.delivery, claimed.lease, twin.lease});
    }
    // Another store may wake its dispatcher too early, never too late.
    const absl::Time theirs_next = memory_->ClaimDue(request).value().next_due_at;
    CHECK(other_->ClaimDue(request).value().next_due_at <= theirs_next);
  }

  std::map<std::string, ClaimedDelivery> Drain(Storage& storage, const ClaimRequest& request) {
    std::map<std::string, ClaimedDelivery> all;
    known_.clear();
    for (int round = 0;; ++round) {
      REQUIRE(round < 2000);
      const Claim claim = storage.ClaimDue(request).value();
      for (const LaneName& lane : claim.unknown_lanes) known_.insert(lane.endpoint_id);
      CHECK(claim.deliveries.size() <= request.items_max);
      std::map<std::string, uint32_t> counts;
      for (const ClaimedDelivery& claimed : claim.deliveries) {
        const std::string& endpoint = claimed.delivery.endpoint_id;
        const auto own_max = request.items_max_of_endpoint.find(endpoint);
        CHECK(++counts[endpoint] <= (own_max == request.items_max_of_endpoint.end()
                                         ? request.items_per_endpoint_max
                                         : own_max->second));
        CHECK(std::find(request.skipped_endpoint_ids.begin(), request.skipped_endpoint_ids.end(),
                        endpoint) == request.skipped_endpoint_ids.end());
        CHECK(all.emplace(claimed.delivery.id, claimed).second);
      }
      if (claim.next_due_at > request.now) return all;
    }
  }

  void ReleaseAll() {
    CHECK(memory_->ReleaseClaims().ok());
    CHECK(other_->ReleaseClaims().ok());
  }

  // A few pieces, one after the other or each from the beginning.
  void Prune() {
    PruneRequest request{
        .events_before = SampleEpoch() + absl::Seconds(Below(next_event_ + 2)),
        .keys_expired_by = now_ - absl::Seconds(Below(20)),
        .items_max = static_cast<uint32_t>(1 + Below(20)),
    };
    if (random_.Chance(20)) request.after_event_id = EventId(Below(next_event_));
    for (int i = Below(4); i >= 0; --i) {
      const Pruned theirs = memory_->Prune(request).value();
      const Pruned ours = other_->Prune(request).value();
      CHECK(theirs.events_count == ours.events_count);
      CHECK(theirs.deliveries_count == ours.deliveries_count);
      CHECK(theirs.attempts_count == ours.attempts_count);
      CHECK(theirs.keys_count == ours.keys_count);
      CHECK(theirs.last_event_id == ours.last_event_id);
      CHECK(theirs.may_have_more == ours.may_have_more);
      if (random_.Chance(70)) request.after_event_id = ours.last_event_id;
    }
  }

  // Reading.

  void ReadSingles() {
    const std::string project = AnyProject();
    const std::string delivery = AnyDeliveryId();
    const auto both = [this](auto question) { CheckSame(question(*memory_), question(*other_)); };
    CHECK(BacklogsOf(*memory_) == BacklogsOf(*other_));
    const LaneName lane{.project_id = project, .endpoint_id = Id('E', EndpointIn(project))};
    both([&](Storage& s) { return s.LaneClosedUntil(lane, now_); });
    both([&](Storage& s) { return s.ConfigRevision(project); });
    both([&](Storage& s) { return s.ConfigRevision(""); });
    const std::string event = EventId(Below(next_event_ + 1));
    both([&](Storage& s) { return s.GetEvent(project, event); });
    both([&](Storage& s) { return s.GetDelivery(project, delivery); });
    both([&](Storage& s) { return s.ListAttempts(project, delivery); });
    const std::string attempt = Id('A', Below(next_attempt_ + 1));
    both([&](Storage& s) { return s.GetAttempt(project, delivery, attempt); });
    const std::string source = Id('O', (project.back() - '0') * 100 + AnyNumber());
    both([&](Storage& s) { return s.GetConfig(ConfigKind::kSource, project, source); });
    const std::string mask = absl::StrCat("mask ", Below(6));
    both([&](Storage& s) { return s.FindConfig(ConfigKind::kSource, "mask_id", mask); });
    both([&](Storage& s) { return s.FindConfig(ConfigKind::kApiKey, "mask_id", mask); });
    both([&](Storage& s) { return ListAllConfig<ApiKey>(s, {.project_id = project}); });
    both([&](Storage& s) { return ListAllConfig<Project>(s, {.project_id = ""}); });
    both([&](Storage& s) { return ListAllConfig<Source>(s, SourcesToRead()); });
    const std::string held = AnyHeldId();
    both([&](Storage& s) { return s.GetHeld(project, held, now_); });
    ReadChanges(random_.Chance(20) ? "" : project);
    const auto theirs = LoadProject(*memory_, project);
    const auto ours = LoadProject(*other_, project);
    REQUIRE(Describe(theirs) == Describe(ours));
    if (!theirs.ok()) return;
    CHECK(theirs->revision == ours->revision);
    CHECK(theirs->project == ours->project);
    CHECK(theirs->endpoints == ours->endpoints);
    CHECK(theirs->subscriptions == ours->subscriptions);
  }

  void ReadChanges(const std::string& scope) {
    const uint64_t revision = memory_->ConfigRevision(scope).value();
    const uint64_t since = random_.Below(revision + 2);
    const ConfigChanges theirs = memory_->ConfigChangesSince(scope, since).value();
    const ConfigChanges ours = other_->ConfigChangesSince(scope, since).value();
    CHECK(theirs.revision == ours.revision);
    CHECK(theirs.is_complete == ours.is_complete);
    CHECK(theirs.puts == ours.puts);
    CHECK(theirs.removes == ours.removes);
  }

  // Goes through a list in both stores, there and back at random, each with its own cursors.
  template <typename Question>
  void WalkBoth(Question question) {
    PageRequest theirs_request{.is_ascending = random_.Chance(50)};
    theirs_request.items_max = static_cast<uint32_t>(1 + Below(7));
    PageRequest ours_request = theirs_request;
    for (int pages = 0; pages < 6; ++pages) {
      const auto theirs = question(*memory_, theirs_request);
      const auto ours = question(*other_, ours_request);
      REQUIRE(theirs.ok());
      REQUIRE(ours.ok());
      CHECK(theirs->items == ours->items);
      REQUIRE(theirs->has_next == ours->has_next);
      REQUIRE(theirs->has_prev == ours->has_prev);
      const bool is_backward = theirs->has_prev && (!theirs->has_next || random_.Chance(40));
      if (!is_backward && !theirs->has_next) return;
      theirs_request.is_backward = ours_request.is_backward = is_backward;
      theirs_request.cursor = is_backward ? theirs->prev_cursor : theirs->next_cursor;
      ours_request.cursor = is_backward ? ours->prev_cursor : ours->next_cursor;
      if (random_.Chance(20)) CommitSeveral();  // rows come and go under a cursor
    }
  }

  void List() {
    const std::string project = AnyProject();
    switch (Below(6)) {
      case 0: {
        ConfigQuery query{.kind = ConfigKind::kSource, .project_id = project};
        if (random_.Chance(30)) query.name_contains = absl::StrCat("CE ", Below(4));
        if (random_.Chance(30)) {
          const auto type = static_cast<SourceType>(Below(4));
          query.conditions.push_back({"type", {std::string(model::Name(type))}});
        }
        if (random_.Chance(30)) {
          const auto provider = static_cast<Provider>(Below(4));
          query.conditions.push_back({"provider", {std::string(model::Name(provider))}});
        }
        return WalkBoth([&](Storage& s, const auto& page) { return s.ListConfig(query, page); });
      }
      case 1: {
        ConfigQuery query{.kind = ConfigKind::kEndpoint, .project_id = project};
        if (random_.Chance(40)) query.name_contains = absl::StrCat("E_", Below(5));
        if (random_.Chance(30)) {
          query.conditions.push_back({"owner_id", {absl::StrCat("owner ", Below(2)), ""}});
        }
        return WalkBoth([&](Storage& s, const auto& page) { return s.ListConfig(query, page); });
      }
      case 2: {
        ConfigQuery query{.kind = ConfigKind::kSubscription, .conditions = {{"endpoint_id", {}}}};
        if (random_.Chance(80)) query.project_id = project;
        for (int i = Below(3); i > 0; --i) {
          query.conditions[0].values.push_back(Id('E', EndpointIn(project)));
        }
        return WalkBoth([&](Storage& s, const auto& page) { return s.ListConfig(query, page); });
      }
      case 3: {
        EventQuery query{.project_id = project};
        for (int i = Below(3); i > 0; --i) {
          query.endpoint_ids.push_back(Id('E', EndpointIn(project)));
        }
        if (random_.Chance(20)) query.source_ids = {AnyOf('O', 3), AnyOf('O', 3)};
        if (random_.Chance(20)) query.idempotency_key = absl::StrCat("key ", Below(6));
        if (random_.Chance(20)) query.event_type = absl::StrCat("type ", Below(3));
        if (random_.Chance(30)) query.created_from = AnyTime();
        if (random_.Chance(30)) query.created_until = AnyTime();
        return WalkBoth([&](Storage& s, const auto& page) { return s.ListEvents(query, page); });
      }
      case 4: {
        HeldQuery query{.project_id = project, .now = AnyTime()};
        for (int i = Below(3); i > 0; --i) {
          query.source_ids.push_back(Id('O', (project.back() - '0') * 100 + 1 + Below(3)));
        }
        if (random_.Chance(30)) query.kind = static_cast<HeldKind>(Below(2));
        if (random_.Chance(30)) query.reason = absl::StrCat("reason ", Below(3));
        if (random_.Chance(30)) query.from_id = AnyHeldId();
        CheckSame(memory_->CountHeld(query), other_->CountHeld(query));
        return WalkBoth([&](Storage& s, const auto& page) { return s.ListHeld(query, page); });
      }
      default: {
        DeliveryQuery query{.project_id = project};
        if (random_.Chance(20)) query.event_id = EventId(Below(next_event_ + 1));
        if (random_.Chance(20)) query.subscription_id = AnyOf('S', 4);
        if (random_.Chance(20)) query.event_type = absl::StrCat("type ", Below(3));
        for (int i = Below(3); i > 0; --i) {
          query.endpoint_ids.push_back(Id('E', EndpointIn(project)));
        }
        for (int i = Below(3); i > 0; --i) {
          query.statuses.push_back(static_cast<DeliveryStatus>(Below(6)));
        }
        if (random_.Chance(30)) query.created_until = AnyTime();
        return WalkBoth(
            [&](Storage& s, const auto& page) { return s.ListDeliveries(query, page); });
      }
    }
  }

  SeededRandom random_;
  const std::unique_ptr<Storage> memory_;
  const std::unique_ptr<Storage> other_;
  absl::Time now_ = SampleEpoch();
  int next_event_ = 1;
  int next_delivery_ = 1;  // ascending ids: both stores break ties by age
  int next_attempt_ = 1;
  int next_held_ = 1;
  int expiries_count_ = 0;
  std::vector<Event> events_;
  std::vector<TwinClaim> claims_;
  int phase_ = 0;  // of the present claims; see PolicyOf
  std::set<std::string, std::less<>> known_;
  std::map<std::string, uint64_t> revisions_;
};

}  // namespace convoy::testing

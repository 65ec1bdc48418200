// Checks of held inputs: kept whole, within bounds, until they are released once.
#include <atomic>
#include <thread>

#include "convoy/config_read.h"
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

const std::string& ProjectId() {
  static const std::string* const kId = new std::string(MakeProject(1).id);
  return *kId;
}

// Sources 1 to `sources_count` of the project.
CommitResult PutSources(Storage& storage, int sources_count) {
  std::vector<ConfigRecord> sources;
  for (int i = 1; i <= sources_count; ++i) sources.emplace_back(MakeSource(ProjectId(), i));
  return PutNow(storage, ProjectId(), std::move(sources));
}

// The distinguishing last digits of what a query finds, oldest first; "!" if it fails or is counted
// as something else.
std::string Find(Storage& storage, HeldQuery query) {
  query.project_id = ProjectId();
  const auto page = storage.ListHeld(query, {.is_ascending = true, .items_max = 100});
  if (!page.ok()) return "!";
  std::string digits;
  for (const HeldInput& input : page->items) digits += input.id.back();
  const auto count = storage.CountHeld(query);
  if (!count.ok() || *count != digits.size()) return "!";
  return digits;
}

CommitResult ReleaseOne(Storage& storage, int number) {
  WriteBatch batch;
  batch.releases.push_back({.project_id = ProjectId(), .held_id = Id('H', number)});
  return CommitOne(storage, std::move(batch));
}

void CheckRoundTrip(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 1).status);
  HeldInput input = MakeHeld(ProjectId(), 1, 1);
  input.expires_at = SampleEpoch() + absl::Seconds(9);
  HeldInput bare{.id = Id('H', 2),
                 .project_id = ProjectId(),
                 .source_id = Id('O', 1),
                 .kind = HeldKind::kDeadLetter,
                 .received_at = SampleEpoch()};
  CONVOY_REQUIRE_OK(HoldOne(storage, input).status);
  CONVOY_REQUIRE_OK(HoldOne(storage, bare).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetHeld(ProjectId(), input.id, SampleEpoch())) == input);
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetHeld(ProjectId(), bare.id, SampleEpoch())) == bare);
  const auto page = CONVOY_VALUE(
      storage.ListHeld({.project_id = ProjectId(), .now = SampleEpoch()}, {.is_ascending = true}));
  CONVOY_EXPECT(page.items == std::vector{input, bare});
  CONVOY_EXPECT(absl::IsNotFound(storage.GetHeld("other", input.id, SampleEpoch()).status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetHeld(ProjectId(), "x", SampleEpoch()).status()));
}

void CheckConditions(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 2).status);
  for (int i = 1; i <= 6; ++i) {
    HeldInput input = MakeHeld(ProjectId(), i, i <= 3 ? 1 : 2);
    if (i % 2 == 0) input.kind = HeldKind::kDeadLetter;
    if (i == 5) input.reason = "malformed";
    CONVOY_REQUIRE_OK(HoldOne(storage, input).status);
  }
  CONVOY_EXPECT(Find(storage, {}) == "123456");
  CONVOY_EXPECT(Find(storage, {.source_ids = {Id('O', 2)}}) == "456");
  CONVOY_EXPECT(Find(storage, {.source_ids = {Id('O', 2), Id('O', 1), "x"}}) == "123456");
  CONVOY_EXPECT(Find(storage, {.source_ids = {"x"}}).empty());
  CONVOY_EXPECT(Find(storage, {.kind = HeldKind::kQuarantine}) == "135");
  CONVOY_EXPECT(Find(storage, {.kind = HeldKind::kDeadLetter}) == "246");
  CONVOY_EXPECT(Find(storage, {.reason = "malformed"}) == "5");
  CONVOY_EXPECT(Find(storage, {.kind = HeldKind::kQuarantine, .reason = "signature_mismatch"}) ==
                "13");
  CONVOY_EXPECT(Find(storage, {.from_id = Id('H', 4)}) == "456");
  CONVOY_EXPECT(
      CONVOY_VALUE(storage.ListHeld({.project_id = "other"}, {.items_max = 9})).items.empty());
  const auto page = CONVOY_VALUE(storage.ListHeld({.project_id = ProjectId()}, {.items_max = 4}));
  CONVOY_REQUIRE(page.items.size() == 4);
  CONVOY_EXPECT(page.items.front().id == Id('H', 6));
  CONVOY_EXPECT(page.has_next);
  CONVOY_EXPECT(page.next_cursor == Id('H', 2));
}

void CheckExpiry(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 1).status);
  HeldInput input = MakeHeld(ProjectId(), 1, 1);
  input.expires_at = SampleEpoch() + absl::Seconds(9);
  CONVOY_REQUIRE_OK(HoldOne(storage, input).status);
  const absl::Time just_before = input.expires_at - absl::Microseconds(1);
  CONVOY_EXPECT(storage.GetHeld(ProjectId(), input.id, just_before).ok());
  CONVOY_EXPECT(Find(storage, {.now = just_before}) == "1");
  CONVOY_EXPECT(
      absl::IsNotFound(storage.GetHeld(ProjectId(), input.id, input.expires_at).status()));
  CONVOY_EXPECT(Find(storage, {.now = input.expires_at}).empty());
  // Later holds make room, so that nothing is left of it in the end.
  for (int i = 0; i < 4; ++i) {
    HeldInput later = MakeHeld(ProjectId(), 2 + i, 1);
    later.received_at = input.expires_at;
    CONVOY_REQUIRE_OK(HoldOne(storage, later).status);
  }
  CONVOY_EXPECT(Find(storage, {.now = SampleEpoch()}) == "2345");
}

void CheckBound(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 2).status);
  HeldInput neighbour = MakeHeld(ProjectId(), 1, 2);
  HeldInput letter = MakeHeld(ProjectId(), 2, 1);
  letter.kind = HeldKind::kDeadLetter;
  CONVOY_REQUIRE_OK(HoldOne(storage, neighbour, 3).status);
  CONVOY_REQUIRE_OK(HoldOne(storage, letter, 3).status);
  for (int i = 3; i <= 8; ++i) {
    CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), i, 1), 3).status);
  }
  CONVOY_EXPECT(Find(storage, {}) == "12678");  // of another source, of another kind: left alone
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 9, 1), 1).status);
  CONVOY_EXPECT(Find(storage, {}) == "129");
}

// The source that fills the store loses its own oldest, and its neighbour none.
void CheckTotalBound(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 2).status);
  const auto hold = [&](int number, int source, HeldKind kind, size_t bytes, HeldUse use_max) {
    HeldInput input = MakeHeld(ProjectId(), number, source);
    input.kind = kind;
    input.body = std::string(bytes, 'x');
    WriteBatch batch;
    batch.holds.push_back({.input = std::move(input), .use_max = use_max});
    const CommitResult result = CommitOne(storage, std::move(batch));
    CONVOY_EXPECT(result.status.ok());
    return result.held_dropped_count;
  };
  const HeldUse few{.inputs = 4};
  CONVOY_EXPECT(hold(1, 2, HeldKind::kQuarantine, 10, few) == 0);
  CONVOY_EXPECT(hold(2, 1, HeldKind::kDeadLetter, 5000, few) == 0);
  CONVOY_EXPECT(hold(3, 1, HeldKind::kQuarantine, 5000, few) == 0);
  CONVOY_EXPECT(hold(4, 1, HeldKind::kQuarantine, 5000, few) == 0);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ReadHeldUse()).inputs == 4);
  CONVOY_EXPECT(hold(5, 1, HeldKind::kQuarantine, 5000, few) == 1);
  CONVOY_EXPECT(hold(6, 2, HeldKind::kQuarantine, 10, few) == 1);
  CONVOY_EXPECT(Find(storage, {}) == "1256");  // dead letters go last
  const uint64_t bytes = CONVOY_VALUE(storage.ReadHeldUse()).bytes;
  CONVOY_EXPECT(bytes >= 10'020 && bytes < 12'000);
  CONVOY_EXPECT(hold(7, 2, HeldKind::kQuarantine, 10, {.bytes = 7000}) == 1);
  CONVOY_EXPECT(Find(storage, {}) == "1267");
  // An input that leaves in another way counts no more.
  CONVOY_REQUIRE_OK(ReleaseOne(storage, 2).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ReadHeldUse()).inputs == 3);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ReadHeldUse()).bytes < 3000);
}

void CheckRelease(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 1).status);
  for (int i = 1; i <= 3; ++i) {
    CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), i, 1)).status);
  }
  WriteBatch accept, again, twice, elsewhere;
  accept.submissions.push_back({.event = MakeEvent(ProjectId(), 1)});
  accept.releases.push_back({.project_id = ProjectId(), .held_id = Id('H', 1)});
  again.submissions.push_back({.event = MakeEvent(ProjectId(), 2)});
  again.releases = accept.releases;
  twice.submissions.push_back({.event = MakeEvent(ProjectId(), 3)});
  twice.releases = {{ProjectId(), Id('H', 2)}, {ProjectId(), Id('H', 2)}};
  elsewhere.releases.push_back({.project_id = "other", .held_id = Id('H', 2)});
  elsewhere.config.push_back({.scope = "other", .puts = {MakeEndpoint("other", 1)}});
  WriteBatch* const batches[] = {&accept, &again, &twice, &elsewhere};
  CommitResult results[4];
  CONVOY_REQUIRE_OK(storage.Commit(batches, results));
  CONVOY_EXPECT(results[0].status.ok());
  CONVOY_EXPECT(results[0].submissions == std::vector{SubmissionOutcome::kAccepted});
  CONVOY_EXPECT(storage.GetEvent(ProjectId(), EventId(1)).ok());
  for (int i = 1; i < 4; ++i) CONVOY_EXPECT(absl::IsNotFound(results[i].status));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetEvent(ProjectId(), EventId(2)).status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetEvent(ProjectId(), EventId(3)).status()));
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision("other")) == 0);
  CONVOY_EXPECT(Find(storage, {}) == "23");
}

void CheckReleaseAndConfig(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 1).status);
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 1, 1)).status);
  WriteBatch stale;
  stale.releases.push_back({.project_id = ProjectId(), .held_id = Id('H', 1)});
  stale.config.push_back({.scope = ProjectId(), .expected_revision = 99});
  CONVOY_EXPECT(absl::IsAborted(CommitOne(storage, std::move(stale)).status));
  CONVOY_EXPECT(Find(storage, {}) == "1");
}

void CheckReleaseAcrossThreads(Expectations& expect, Storage& storage) {
  constexpr int kThreads = 4;
  constexpr int kInputs = 10;
  CONVOY_REQUIRE_OK(PutSources(storage, 1).status);
  for (int i = 0; i < kInputs; ++i) {
    CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), i, 1)).status);
  }
  std::atomic<int> released_count = 0;
  std::atomic<int> refused_count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kInputs; ++i) {
        const CommitResult result = ReleaseOne(storage, i);
        released_count += result.status.ok();
        refused_count += absl::IsNotFound(result.status);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CONVOY_EXPECT(released_count == kInputs);
  CONVOY_EXPECT(refused_count == (kThreads - 1) * kInputs);
}

void CheckFirstDelivery(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 1).status);
  const auto submit = [&](int number, const Submission& keys) {
    Submission submission = keys;
    submission.event = MakeEvent(ProjectId(), number);
    WriteBatch batch;
    batch.submissions.push_back(std::move(submission));
    return CommitOne(storage, std::move(batch)).submissions;
  };
  const DedupeKey key{.scope = ProjectId(), .key = "place/1"};
  const DedupeKey taken_over{.scope = ProjectId(), .key = "place/1", .is_taken_over = true};
  const DedupeKey former{.scope = ProjectId(), .key = "1"};
  const DedupeKey other{.scope = ProjectId(), .key = "place/2"};
  const std::vector accepted{SubmissionOutcome::kAccepted};
  const std::vector redelivered{SubmissionOutcome::kRedelivered};
  // Known to be new, so its key does not matter; and known from then on.
  CONVOY_EXPECT(submit(1, {.redelivery = key}) == accepted);
  CONVOY_EXPECT(submit(2, {.redelivery = taken_over}) == accepted);
  CONVOY_EXPECT(submit(3, {.redelivery = key}) == redelivered);
  // A key of a former form is looked at and not taken.
  CONVOY_EXPECT(submit(4, {.redelivery = other, .former_redelivery = key}) == redelivered);
  CONVOY_EXPECT(submit(5, {.redelivery = other, .former_redelivery = former}) == accepted);
  CONVOY_EXPECT(submit(6, {.redelivery = former}) == accepted);
  CONVOY_EXPECT(submit(7, {.redelivery = other}) == redelivered);
  // The same for what is held.
  HeldInputWrite hold{.input = MakeHeld(ProjectId(), 1, 1), .redelivery = other};
  hold.former_redelivery = former;
  WriteBatch batch;
  batch.holds.push_back(std::move(hold));
  CONVOY_REQUIRE_OK(CommitOne(storage, std::move(batch)).status);
  CONVOY_EXPECT(Find(storage, {}).empty());
}

void CheckRedelivery(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutSources(storage, 1).status);
  const DedupeKey first{.scope = ProjectId(), .key = std::string("p\0001", 3)};
  const DedupeKey second{.scope = ProjectId(), .key = std::string("p\0002", 3)};
  const auto submit = [&](int number, const DedupeKey& redelivery) {
    const Event event = MakeEvent(ProjectId(), number);
    WriteBatch batch;
    batch.submissions.push_back(
        {.event = event,
         .deliveries = {MakeDelivery(event, Id('E', 1), number, SampleEpoch())},
         .dedupe = DedupeKey{.scope = ProjectId(), .key = "k"},
         .redelivery = redelivery});
    return CommitOne(storage, std::move(batch)).submissions;
  };
  CONVOY_EXPECT(submit(1, first) == std::vector{SubmissionOutcome::kAccepted});
  CONVOY_EXPECT(submit(2, first) == std::vector{SubmissionOutcome::kRedelivered});
  CONVOY_EXPECT(absl::IsNotFound(storage.GetEvent(ProjectId(), EventId(2)).status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetDelivery(ProjectId(), Id('D', 2)).status()));
  CONVOY_EXPECT(submit(3, second) == std::vector{SubmissionOutcome::kDuplicate});
  CONVOY_EXPECT(storage.GetEvent(ProjectId(), EventId(3)).ok());

  const DedupeKey third{
      .scope = ProjectId(), .key = "p3", .expires_at = SampleEpoch() + absl::Seconds(3)};
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 1, 1), 0, first).status);
  CONVOY_EXPECT(Find(storage, {}).empty());  // it was accepted the first time
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 1, 1), 0, third).status);
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 2, 1), 0, third).status);
  CONVOY_EXPECT(Find(storage, {}) == "1");
  CONVOY_EXPECT(submit(2, third) == std::vector{SubmissionOutcome::kRedelivered});
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 3, 1), 0, third).status);
  CONVOY_EXPECT(Find(storage, {}) == "13");  // three seconds are over
}

void CheckRemoval(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  CONVOY_REQUIRE_OK(PutSources(storage, 2).status);
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 1, 1)).status);
  CONVOY_REQUIRE_OK(HoldOne(storage, MakeHeld(ProjectId(), 2, 2)).status);
  CONVOY_REQUIRE_OK(RemoveNow(storage, ProjectId(), {ConfigKind::kSource, Id('O', 1)}).status);
  CONVOY_EXPECT(Find(storage, {}) == "2");
  // A writer that still believes in the source leaves nothing behind.
  CONVOY_EXPECT(HoldOne(storage, MakeHeld(ProjectId(), 3, 1)).status.ok());
  CONVOY_EXPECT(HoldOne(storage, MakeHeld("other", 4, 2)).status.ok());
  CONVOY_EXPECT(Find(storage, {}) == "2");
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListHeld({.project_id = "other"}, {})).items.empty());
  CONVOY_REQUIRE_OK(RemoveNow(storage, "", {ConfigKind::kProject, ProjectId()}).status);
  CONVOY_EXPECT(Find(storage, {}).empty());
}

void CheckBrokerSources(Expectations& expect, Storage& storage) {
  Source read = MakeSource(ProjectId(), 1), disabled = MakeSource(ProjectId(), 2),
         plain = MakeSource(ProjectId(), 3), elsewhere = MakeSource("other", 4);
  read.type = disabled.type = elsewhere.type = SourceType::kPubSub;
  read.message_format = MessageFormat::kRaw;
  read.raw_event_type = "shop.changed";
  disabled.is_disabled = true;
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {read, disabled, plain}).status);
  CONVOY_REQUIRE_OK(PutNow(storage, "other", {elsewhere}).status);
  CONVOY_EXPECT(CONVOY_VALUE(ListAllConfig<Source>(storage, SourcesToRead())) ==
                std::vector{read, elsewhere});
}

constexpr StorageRequirement kRequirements[] = {
    {"a held input comes back as it went in", CheckRoundTrip},
    {"lists of held inputs select what they say", CheckConditions},
    {"an expired input is not there, and later holds take it away", CheckExpiry},
    {"of one source and kind no more are held than wanted, the newest", CheckBound},
    {"of all inputs no more are held than wanted, at the cost of the source that holds the most",
     CheckTotalBound},
    {"an input is released once, together with its event", CheckRelease},
    {"a release is undone with the batch that is refused for another reason",
     CheckReleaseAndConfig},
    {"of equal releases from several threads one succeeds", CheckReleaseAcrossThreads},
    {"an input that comes again is not stored again, whatever became of it", CheckRedelivery},
    {"an input known to be new is stored, and one under a former key is not", CheckFirstDelivery},
    {"held inputs go with their source and their project", CheckRemoval},
    {"the sources that read from brokers are those that are enabled", CheckBrokerSources},
};

}  // namespace

std::span<const StorageRequirement> HeldRequirements() { return kRequirements; }

}  // namespace convoy::testing

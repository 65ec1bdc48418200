// Projects and what belongs to them: written against a revision, unique where they are looked up by
// something else than their id, removed together.
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

void CheckRevisions(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(Put(storage, "", 0, {MakeProject(1)}).status);
  const std::string project = MakeProject(1).id;
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision("")) == 1);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(project)) == 0);
  CONVOY_REQUIRE_OK(Put(storage, project, 0, {MakeEndpoint(project, 1)}).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(project)) == 1);
  CONVOY_EXPECT(absl::IsAborted(Put(storage, project, 0, {MakeEndpoint(project, 2)}).status));
  const ProjectConfiguration loaded = CONVOY_VALUE(storage.LoadProject(project));
  CONVOY_EXPECT(loaded.revision == 1);
  CONVOY_EXPECT(loaded.endpoints == std::vector{MakeEndpoint(project, 1)});
  CONVOY_EXPECT(loaded.project == MakeProject(1));
  CONVOY_EXPECT(absl::IsNotFound(storage.LoadProject("x").status()));

  WriteBatch twice;  // the second write of a batch sees the revision that the first one made
  twice.config.push_back({.scope = project, .expected_revision = 1});
  twice.config.push_back({.scope = project, .expected_revision = 2});
  CONVOY_EXPECT(CommitOne(storage, std::move(twice)).status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(project)) == 3);
}

void CheckProjectNames(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(Put(storage, "", 0, {MakeProject(1)}).status);
  Project same = MakeProject(2);
  same.name = MakeProject(1).name;
  CONVOY_EXPECT(absl::IsAlreadyExists(Put(storage, "", 1, {same}).status));
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListProjects()).size() == 1);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision("")) == 1);
  Project renamed = MakeProject(1);
  renamed.name = "another";
  // Names count as they stand at each point of a batch, not as they stood before it.
  CONVOY_EXPECT(absl::IsAlreadyExists(Put(storage, "", 1, {same, renamed}).status));
  CONVOY_EXPECT(Put(storage, "", 1, {renamed, same}).status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListProjects()) == std::vector{renamed, same});
  Project third = MakeProject(3);
  Project fourth = MakeProject(4);
  fourth.name = third.name;
  CONVOY_EXPECT(absl::IsAlreadyExists(Put(storage, "", 2, {third, fourth}).status));
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListProjects()).size() == 2);
}

void CheckMasks(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  const Source source = MakeSource(project, 1);
  const ApiKey key = MakeApiKey(project, 1);
  CONVOY_REQUIRE_OK(PutNow(storage, project, {source, key}).status);
  Source other_source = MakeSource(project, 2);
  other_source.mask_id = source.mask_id;
  CONVOY_EXPECT(absl::IsAlreadyExists(PutNow(storage, project, {other_source}).status));
  ApiKey other_key = MakeApiKey(project, 2);
  other_key.mask_id = key.mask_id;
  CONVOY_EXPECT(absl::IsAlreadyExists(PutNow(storage, project, {other_key}).status));
  CONVOY_EXPECT(CONVOY_VALUE(storage.FindSourceByMask(source.mask_id)) == source);
  CONVOY_EXPECT(CONVOY_VALUE(storage.FindApiKeyByMask(key.mask_id)) == key);

  Source moved = source;
  moved.mask_id = "new mask";
  CONVOY_EXPECT(PutNow(storage, project, {moved}).status.ok());
  CONVOY_EXPECT(absl::IsNotFound(storage.FindSourceByMask(source.mask_id).status()));
  CONVOY_EXPECT(CONVOY_VALUE(storage.FindSourceByMask("new mask")) == moved);
  CONVOY_EXPECT(PutNow(storage, project, {other_source}).status.ok());
}

void CheckPartsOfProject(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  Subscription by_source = MakeSubscription(project, 2, 2);
  by_source.source_id = Id('O', 1);
  const Subscription by_endpoint = MakeSubscription(project, 1, 1);
  const Source source = MakeSource(project, 1);
  const ApiKey key = MakeApiKey(project, 1);
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  CONVOY_REQUIRE(PutNow(storage, project,
                        {MakeEndpoint(project, 1), MakeEndpoint(project, 2), source, by_endpoint,
                         by_source, key})
                     .status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetSource(project, source.id)) == source);
  CONVOY_EXPECT(absl::IsNotFound(storage.GetSource("other", source.id).status()));
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListApiKeys(project)) == std::vector{key});
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListApiKeys("")).empty());

  CONVOY_EXPECT(RemoveNow(storage, project, {ConfigKind::kEndpoint, Id('E', 1)}).status.ok());
  const ProjectConfiguration left = CONVOY_VALUE(storage.LoadProject(project));
  CONVOY_EXPECT(left.subscriptions == std::vector{by_source});
  CONVOY_EXPECT(left.endpoints == std::vector{MakeEndpoint(project, 2)});
  CONVOY_EXPECT(RemoveNow(storage, project, {ConfigKind::kSource, source.id}).status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(storage.LoadProject(project)).subscriptions.empty());
  CONVOY_EXPECT(absl::IsNotFound(storage.FindSourceByMask(source.mask_id).status()));
  CONVOY_EXPECT(RemoveNow(storage, project, {ConfigKind::kApiKey, key.id}).status.ok());
  CONVOY_EXPECT(absl::IsNotFound(storage.FindApiKeyByMask(key.mask_id).status()));
}

void CheckProjectRemoval(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  const std::string kept = MakeProject(2).id;
  const ApiKey key = MakeApiKey(project, 1);
  const Source source = MakeSource(project, 1);
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1), MakeProject(2)}).status);
  CONVOY_REQUIRE_OK(PutNow(storage, project, {MakeEndpoint(project, 1), source, key}).status);
  const Event event = MakeEvent(project, 1);
  const Event kept_event = MakeEvent(kept, 2);
  const DedupeKey dedupe{.scope = project, .key = "k"};
  CONVOY_REQUIRE(Submit(storage, event, {MakeDelivery(event, Id('E', 1), 1, SampleEpoch())}, dedupe)
                     .status.ok());
  CONVOY_REQUIRE(
      Submit(storage, kept_event, {MakeDelivery(kept_event, Id('E', 2), 2, SampleEpoch())})
          .status.ok());
  const Claim held = CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch()}));
  CONVOY_REQUIRE(held.deliveries.size() == 2);

  const uint64_t revision = CONVOY_VALUE(storage.ConfigRevision(project));
  CONVOY_REQUIRE_OK(RemoveNow(storage, "", {ConfigKind::kProject, project}).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(project)) > revision);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListProjects()) == std::vector{MakeProject(2)});
  CONVOY_EXPECT(!storage.GetEvent(project, event.id).ok());
  CONVOY_EXPECT(!storage.GetDelivery(project, Id('D', 1)).ok());
  CONVOY_EXPECT(!storage.FindApiKeyByMask(key.mask_id).ok());
  CONVOY_EXPECT(!storage.FindSourceByMask(source.mask_id).ok());
  CONVOY_EXPECT(storage.GetEvent(kept, kept_event.id).ok());

  // Work in flight when the project was removed finds nothing to write to.
  for (const ClaimedDelivery& claimed : held.deliveries) {
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = DeliveryStatus::kSuccess;
    update.attempt = MakeAttempt(claimed.delivery, 1);
    const bool is_kept = claimed.delivery.project_id == kept;
    CONVOY_EXPECT(Update(storage, update).updates_applied == std::vector<bool>{is_kept});
  }
  CONVOY_EXPECT(
      CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch() + absl::Hours(1)})).deliveries.empty());
  // Its keys are free again, and nothing of before shows through.
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  const CommitResult again =
      Submit(storage, event, {MakeDelivery(event, Id('E', 1), 1, SampleEpoch())}, dedupe);
  CONVOY_EXPECT(again.submissions == std::vector{SubmissionOutcome::kAccepted});
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListAttempts(project, Id('D', 1))).empty());
}

constexpr StorageRequirement kRequirements[] = {
    {"configuration is written only against the revision that was read", CheckRevisions},
    {"project names are taken once", CheckProjectNames},
    {"masks are taken once, and nothing is displaced by a second one", CheckMasks},
    {"removing takes along what cannot be without it", CheckPartsOfProject},
    {"a removed project leaves nothing behind", CheckProjectRemoval},
};

}  // namespace

std::span<const StorageRequirement> ConfigurationRequirements() { return kRequirements; }

}  // namespace convoy::testing

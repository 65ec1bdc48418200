// Checks of projects and their objects: written against a revision, unique where they are looked up
// by something else than their id, removed together, told in feeds.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
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
  const ProjectConfiguration loaded = CONVOY_VALUE(LoadProject(storage, project));
  CONVOY_EXPECT(loaded.revision == 1);
  CONVOY_EXPECT(loaded.endpoints == std::vector{MakeEndpoint(project, 1)});
  CONVOY_EXPECT(loaded.project == MakeProject(1));
  CONVOY_EXPECT(absl::IsNotFound(LoadProject(storage, "x").status()));

  WriteBatch twice;  // the second write of a batch sees the revision that the first one made
  twice.config.push_back({.scope = project, .expected_revision = 1});
  twice.config.push_back({.scope = project, .expected_revision = 2});
  CONVOY_EXPECT(CommitOne(storage, std::move(twice)).status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(project)) == 3);
}

void CheckUnconditionalWrites(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  CONVOY_REQUIRE_OK(Put(storage, "", 0, {MakeProject(1)}).status);
  for (int i = 1; i <= 2; ++i) {
    WriteBatch batch;
    batch.config.push_back(
        {.scope = project, .puts = {MakeEndpoint(project, i)}, .is_unconditional = true});
    CONVOY_REQUIRE_OK(CommitOne(storage, std::move(batch)).status);
    CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(project)) == static_cast<uint64_t>(i));
  }
  CONVOY_EXPECT(CONVOY_VALUE(LoadProject(storage, project)).endpoints.size() == 2);
}

// A record that names its scope raises that one's revision, also when it goes with its project.
void CheckScopeOfField(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  CONVOY_REQUIRE_OK(Put(storage, "", 0, {MakeProject(1)}).status);
  ConfigRecord job;
  job.kind = ConfigKind::kJob;
  job.id = Id('J', 1);
  job.project_id = project;
  job.fields = {"its scope", "open", "yes"};
  CONVOY_REQUIRE_OK(Put(storage, "its scope", 0, {job}).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision("its scope")) == 1);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision(project)) == 0);
  CONVOY_REQUIRE_OK(RemoveNow(storage, "", {ConfigKind::kProject, project}).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision("its scope")) == 2);
  CONVOY_EXPECT(absl::IsNotFound(storage.GetConfig(ConfigKind::kJob, project, job.id).status()));
}

void CheckProjectNames(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(Put(storage, "", 0, {MakeProject(1)}).status);
  Project same = MakeProject(2);
  same.name = MakeProject(1).name;
  CONVOY_EXPECT(absl::IsAlreadyExists(Put(storage, "", 1, {same}).status));
  CONVOY_EXPECT(CONVOY_VALUE(ListAllConfig<Project>(storage, {.project_id = ""})).size() == 1);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision("")) == 1);
  Project renamed = MakeProject(1);
  renamed.name = "another";
  // Names count as they stand at each point of a batch, not as they stood before it.
  CONVOY_EXPECT(absl::IsAlreadyExists(Put(storage, "", 1, {same, renamed}).status));
  CONVOY_EXPECT(Put(storage, "", 1, {renamed, same}).status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(ListAllConfig<Project>(storage, {.project_id = ""})) ==
                std::vector{renamed, same});
  Project third = MakeProject(3);
  Project fourth = MakeProject(4);
  fourth.name = third.name;
  CONVOY_EXPECT(absl::IsAlreadyExists(Put(storage, "", 2, {third, fourth}).status));
  CONVOY_EXPECT(CONVOY_VALUE(ListAllConfig<Project>(storage, {.project_id = ""})).size() == 2);
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
  CONVOY_EXPECT(CONVOY_VALUE(FindConfig<Source>(storage, "mask_id", source.mask_id)) == source);
  CONVOY_EXPECT(CONVOY_VALUE(FindConfig<ApiKey>(storage, "mask_id", key.mask_id)) == key);

  Source moved = source;
  moved.mask_id = "new mask";
  CONVOY_EXPECT(PutNow(storage, project, {moved}).status.ok());
  CONVOY_EXPECT(absl::IsNotFound(FindConfig<Source>(storage, "mask_id", source.mask_id).status()));
  CONVOY_EXPECT(CONVOY_VALUE(FindConfig<Source>(storage, "mask_id", "new mask")) == moved);
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
  CONVOY_EXPECT(CONVOY_VALUE(GetConfig<Source>(storage, project, source.id)) == source);
  CONVOY_EXPECT(absl::IsNotFound(GetConfig<Source>(storage, "other", source.id).status()));
  CONVOY_EXPECT(CONVOY_VALUE(ListAllConfig<ApiKey>(storage, {.project_id = project})) ==
                std::vector{key});
  CONVOY_EXPECT(CONVOY_VALUE(ListAllConfig<ApiKey>(storage, {.project_id = ""})).empty());

  CONVOY_EXPECT(RemoveNow(storage, project, {ConfigKind::kEndpoint, Id('E', 1)}).status.ok());
  const ProjectConfiguration left = CONVOY_VALUE(LoadProject(storage, project));
  CONVOY_EXPECT(left.subscriptions == std::vector{by_source});
  CONVOY_EXPECT(left.endpoints == std::vector{MakeEndpoint(project, 2)});
  CONVOY_EXPECT(RemoveNow(storage, project, {ConfigKind::kSource, source.id}).status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(LoadProject(storage, project)).subscriptions.empty());
  CONVOY_EXPECT(absl::IsNotFound(FindConfig<Source>(storage, "mask_id", source.mask_id).status()));
  CONVOY_EXPECT(RemoveNow(storage, project, {ConfigKind::kApiKey, key.id}).status.ok());
  CONVOY_EXPECT(absl::IsNotFound(FindConfig<ApiKey>(storage, "mask_id", key.mask_id).status()));
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
  CONVOY_EXPECT(CONVOY_VALUE(ListAllConfig<Project>(storage, {.project_id = ""})) ==
                std::vector{MakeProject(2)});
  CONVOY_EXPECT(!storage.GetEvent(project, event.id).ok());
  CONVOY_EXPECT(!storage.GetDelivery(project, Id('D', 1)).ok());
  CONVOY_EXPECT(!FindConfig<ApiKey>(storage, "mask_id", key.mask_id).ok());
  CONVOY_EXPECT(!FindConfig<Source>(storage, "mask_id", source.mask_id).ok());
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

// The letter of the kind and the last digit of a sample's id.
std::string Word(const std::string& id) {
  constexpr size_t kKindPosition = 2;
  return {id[kKindPosition], id.back()};
}

// The changes of `scope` since a revision as text, in the order of their ids.
std::string Told(Expectations& expect, Storage& storage, const std::string& scope, uint64_t since) {
  ConfigChanges changes = CONVOY_VALUE(storage.ConfigChangesSince(scope, since));
  CONVOY_EXPECT(changes.revision == CONVOY_VALUE(storage.ConfigRevision(scope)));
  if (!changes.is_complete) return "all";
  std::vector<std::string> words;
  for (const ConfigRecord& record : changes.puts) {
    const auto stored = CONVOY_VALUE(storage.GetConfig(record.kind, record.project_id, record.id));
    CONVOY_EXPECT(stored == record);
    words.push_back(absl::StrCat("+", Word(record.id)));
  }
  for (const ConfigRef& ref : changes.removes) {
    words.push_back(absl::StrCat("-", Word(ref.id)));
  }
  std::sort(words.begin(), words.end());
  std::string told;
  for (const std::string& word : words) told += word;
  return told;
}

void CheckFeed(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  const auto told = [&](uint64_t since) { return Told(expect, storage, project, since); };
  CONVOY_EXPECT(told(0).empty());
  CONVOY_REQUIRE_OK(Put(storage, project, 0, {MakeEndpoint(project, 1)}).status);
  CONVOY_REQUIRE_OK(
      Put(storage, project, 1, {MakeEndpoint(project, 2), MakeSubscription(project, 1, 1)}).status);
  CONVOY_EXPECT(told(0) == "+E1+E2+S1");
  CONVOY_EXPECT(told(1) == "+E2+S1");
  CONVOY_EXPECT(told(2).empty());
  CONVOY_EXPECT(told(3) == "all");  // of a revision that was never there nothing is known

  // A refused change is not in the feed; a raised revision without a change is.
  CONVOY_EXPECT(absl::IsAborted(Put(storage, project, 1, {MakeEndpoint(project, 3)}).status));
  CONVOY_REQUIRE_OK(Put(storage, project, 2, {}).status);
  CONVOY_EXPECT(told(2).empty());
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigChangesSince(project, 2)).revision == 3);
  // Objects that are removed with another one are told, too.
  CONVOY_REQUIRE_OK(RemoveNow(storage, project, {ConfigKind::kEndpoint, Id('E', 1)}).status);
  CONVOY_EXPECT(told(3) == "-E1-S1");
  CONVOY_EXPECT(told(0) == "+E2-E1-S1");
  // Of two changes of one object, what it came to.
  CONVOY_REQUIRE_OK(PutNow(storage, project, {MakeEndpoint(project, 1)}).status);
  CONVOY_EXPECT(told(3) == "+E1-S1");
}

// An object is of one scope, whichever the write names: those who follow the scope see it.
void CheckScopes(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  const std::string other = MakeProject(2).id;
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1), MakeProject(2)}).status);
  const uint64_t instance = CONVOY_VALUE(storage.ConfigRevision(""));
  CONVOY_REQUIRE_OK(Put(storage, project, 0, {MakeApiKey(project, 1)}).status);
  CONVOY_EXPECT(Told(expect, storage, "", instance) == "+K1");
  CONVOY_EXPECT(Told(expect, storage, project, 0).empty());
  CONVOY_REQUIRE_OK(Put(storage, project, 1, {MakeEndpoint(project, 1)}).status);
  CONVOY_REQUIRE_OK(Put(storage, other, 0, {MakeEndpoint(other, 1)}).status);  // moved
  CONVOY_EXPECT(Told(expect, storage, project, 2) == "-E1");
  CONVOY_EXPECT(Told(expect, storage, other, 0) == "+E1");

  const uint64_t before = CONVOY_VALUE(storage.ConfigRevision(""));
  CONVOY_REQUIRE_OK(RemoveNow(storage, "", {ConfigKind::kProject, project}).status);
  CONVOY_EXPECT(Told(expect, storage, "", before) == "-K1-P1");
  CONVOY_EXPECT(Told(expect, storage, project, 3) == "all");
}

void CheckOldFeeds(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  std::vector<ConfigRecord> many;
  for (int i = 0; i < 2000; ++i) many.push_back(MakeEndpoint(project, i));
  CONVOY_REQUIRE_OK(Put(storage, project, 0, many).status);
  // Either way a reader ends with the same: told, or sent to read everything.
  const ConfigChanges changes = CONVOY_VALUE(storage.ConfigChangesSince(project, 0));
  CONVOY_EXPECT(!changes.is_complete || changes.puts.size() == many.size());
  CONVOY_REQUIRE_OK(Put(storage, project, 1, {MakeEndpoint(project, 7)}).status);
  CONVOY_EXPECT(Told(expect, storage, project, 1) == "+E7");
}

void CheckUndeclared(Expectations& expect, Storage& storage) {
  const ConfigQuery query{.kind = ConfigKind::kEndpoint, .conditions = {{"colour", {"red"}}}};
  CONVOY_EXPECT(absl::IsInvalidArgument(storage.ListConfig(query, {}).status()));
  CONVOY_EXPECT(absl::IsInvalidArgument(
      storage.FindConfig(ConfigKind::kEndpoint, "name", "x").status()));  // not unique
  ConfigRecord damaged(MakeEndpoint("P", 1));
  damaged.fields.pop_back();
  CONVOY_EXPECT(absl::IsInvalidArgument(PutNow(storage, "P", {damaged}).status));
  CONVOY_EXPECT(CONVOY_VALUE(storage.ConfigRevision("P")) == 0);
}

// Every record of a long list is found by a condition that no index helps with, however many pages
// that takes.
void CheckBoundedPages(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  std::vector<ConfigRecord> many;
  for (int i = 0; i < 3000; ++i) {
    Endpoint endpoint = MakeEndpoint(project, i);
    endpoint.name = i == 10 || i == 2990 ? "needle" : "straw";
    many.push_back(endpoint);
  }
  CONVOY_REQUIRE_OK(PutNow(storage, project, many).status);
  const ConfigQuery query{.project_id = project, .name_contains = "NEEDLE"};
  for (const bool is_ascending : {false, true}) {
    PageRequest request{.is_ascending = is_ascending, .items_max = 2};
    std::vector<std::string> forward, backward;
    Page<Endpoint> page;
    for (int pages_count = 0; pages_count < 100; ++pages_count) {
      page = CONVOY_VALUE(ListConfig<Endpoint>(storage, query, request));
      for (const Endpoint& endpoint : page.items) forward.push_back(endpoint.id);
      if (!page.has_next) break;
      request.cursor = page.next_cursor;
    }
    CONVOY_EXPECT(forward.size() == 2);
    for (const Endpoint& endpoint : page.items) backward.push_back(endpoint.id);
    request.is_backward = true;
    for (int pages_count = 0; pages_count < 100 && page.has_prev; ++pages_count) {
      request.cursor = page.prev_cursor;
      page = CONVOY_VALUE(ListConfig<Endpoint>(storage, query, request));
      for (size_t i = page.items.size(); i > 0; --i)
        backward.insert(backward.begin(), page.items[i - 1].id);
    }
    CONVOY_EXPECT(backward == forward);
  }
}

constexpr StorageRequirement kRequirements[] = {
    {"configuration is written only against the revision that was read", CheckRevisions},
    {"a write that says so is applied whatever the revision is", CheckUnconditionalWrites},
    {"a record may name the scope that it belongs to", CheckScopeOfField},
    {"project names are taken once", CheckProjectNames},
    {"masks are taken once, and nothing is displaced by a second one", CheckMasks},
    {"removing takes along what cannot be without it", CheckPartsOfProject},
    {"a removed project leaves nothing behind", CheckProjectRemoval},
    {"the feed of a scope tells what was put and removed since a revision", CheckFeed},
    {"a change is told in the scope of its object", CheckScopes},
    {"a feed that does not tell everything says so", CheckOldFeeds},
    {"what is not declared is refused", CheckUndeclared},
    {"a list finds everything although a page looks at a bounded part", CheckBoundedPages},
};

}  // namespace

std::span<const StorageRequirement> ConfigurationRequirements() { return kRequirements; }

}  // namespace convoy::testing

// Three loading caches over the store. A value's stamp holds what it depends on: a project and its
// sources on the revisions of their own scope and of the instance (where projects themselves are
// changed and removed), an API key on the revision of the instance. A stamp is always read before
// the value, so a change in between makes the value look old, never new.
//
// Unknown ids are not remembered: they cost a look into the store, and no memory.

#include "lib/config/config_cache.h"

#include <string>
#include <utility>

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/config/loading_cache.h"
#include "lib/verify/source_verifier.h"

namespace convoy::config {
namespace {

constexpr std::string_view kInstanceScope = "";

absl::StatusOr<Stamp> ReadProjectStamp(Storage& storage, std::string_view project_id) {
  CONVOY_ASSIGN_OR_RETURN(const uint64_t instance, storage.ConfigRevision(kInstanceScope));
  CONVOY_ASSIGN_OR_RETURN(const uint64_t project, storage.ConfigRevision(project_id));
  return Stamp{.instance = instance, .project = project};
}

absl::StatusOr<Stamp> ReadInstanceStamp(Storage& storage) {
  CONVOY_ASSIGN_OR_RETURN(const uint64_t instance, storage.ConfigRevision(kInstanceScope));
  return Stamp{.instance = instance};
}

std::shared_ptr<const SourceEntry> MakeSourceEntry(Source source,
                                                   std::shared_ptr<verify::KeySource> keys) {
  auto entry = std::make_shared<SourceEntry>();
  if (keys != nullptr) {
    if (auto of_project = keys->ForOwner(source.project_id)) keys = std::move(of_project);
  }
  absl::StatusOr<std::shared_ptr<const Verifier>> verifier =
      verify::CompileForSource(source, std::move(keys));
  // A source whose verifier does not compile has none, and its users must refuse (SourceEntry).
  if (verifier.ok()) entry->verifier = *std::move(verifier);
  entry->source = std::move(source);
  return entry;
}

}  // namespace

struct ConfigCache::State {
  State(Storage* storage, const CacheLimits& limits, std::shared_ptr<verify::KeySource> keys_in)
      : storage(*storage),
        published_keys(std::move(keys_in)),
        projects(limits.projects_max),
        sources(limits.sources_max),
        keys(limits.keys_max) {}

  Storage& storage;
  const std::shared_ptr<verify::KeySource> published_keys;
  LoadingCache<route::ProjectSnapshot> projects;
  LoadingCache<SourceEntry> sources;
  LoadingCache<ApiKey> keys;
};

ConfigCache::ConfigCache(Storage* storage, CacheLimits limits,
                         std::shared_ptr<verify::KeySource> keys)
    : state_(std::make_unique<State>(storage, limits, std::move(keys))) {}

ConfigCache::~ConfigCache() = default;

absl::StatusOr<std::shared_ptr<const route::ProjectSnapshot>> ConfigCache::FindProject(
    std::string_view project_id) {
  using Cache = LoadingCache<route::ProjectSnapshot>;
  Storage& storage = state_->storage;
  return state_->projects.Find(
      project_id,
      [&](const route::ProjectSnapshot&) { return ReadProjectStamp(storage, project_id); },
      [&](const route::ProjectSnapshot*) -> absl::StatusOr<Cache::Entry> {
        CONVOY_ASSIGN_OR_RETURN(Stamp stamp, ReadInstanceStamp(storage));
        CONVOY_ASSIGN_OR_RETURN(ProjectConfiguration read, LoadProject(storage, project_id));
        stamp.project = read.revision;
        CONVOY_ASSIGN_OR_RETURN(Cache::Value value, route::ProjectSnapshot::Build(std::move(read)));
        return Cache::Entry{.value = std::move(value), .stamp = stamp};
      });
}

absl::StatusOr<std::shared_ptr<const SourceEntry>> ConfigCache::FindSourceByMask(
    std::string_view mask_id) {
  using Cache = LoadingCache<SourceEntry>;
  Storage& storage = state_->storage;
  return state_->sources.Find(
      mask_id,
      [&](const SourceEntry& entry) { return ReadProjectStamp(storage, entry.source.project_id); },
      [&](const SourceEntry* known) -> absl::StatusOr<Cache::Entry> {
        std::string project_id = known == nullptr ? "" : known->source.project_id;
        if (known == nullptr) {
          // The scope of the revision is in the source itself: it is read a second time, after the
          // stamp.
          CONVOY_ASSIGN_OR_RETURN(const Source source,
                                  FindConfig<Source>(storage, "mask_id", mask_id));
          project_id = source.project_id;
        }
        CONVOY_ASSIGN_OR_RETURN(const Stamp stamp, ReadProjectStamp(storage, project_id));
        CONVOY_ASSIGN_OR_RETURN(Source source, FindConfig<Source>(storage, "mask_id", mask_id));
        return Cache::Entry{.value = MakeSourceEntry(std::move(source), state_->published_keys),
                            .stamp = stamp};
      });
}

absl::StatusOr<std::shared_ptr<const ApiKey>> ConfigCache::FindApiKeyByMask(
    std::string_view mask_id) {
  using Cache = LoadingCache<ApiKey>;
  Storage& storage = state_->storage;
  return state_->keys.Find(
      mask_id, [&](const ApiKey&) { return ReadInstanceStamp(storage); },
      [&](const ApiKey*) -> absl::StatusOr<Cache::Entry> {
        CONVOY_ASSIGN_OR_RETURN(const Stamp stamp, ReadInstanceStamp(storage));
        CONVOY_ASSIGN_OR_RETURN(ApiKey key, FindConfig<ApiKey>(storage, "mask_id", mask_id));
        return Cache::Entry{.value = std::make_shared<const ApiKey>(std::move(key)),
                            .stamp = stamp};
      });
}

}  // namespace convoy::config

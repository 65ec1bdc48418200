// Loading caches over the store. A value is as current as its stamp: that of a project is of
// its own scope and of the instance's (where projects themselves are changed and removed), that of
// a source or of a portal link is of its project's scope, that of an API key of the instance's. A
// stamp is always read before the value, so a change in between makes the value look old, never
// new. An old value is brought up to date by the feed of its scope; only where that does not reach
// back far enough is it read anew.

#include "lib/config/config_cache.h"

#include <algorithm>
#include <string>
#include <utility>

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/config/change_notices.h"
#include "lib/config/loading_cache.h"
#include "lib/verify/source_verifier.h"

namespace convoy::config {
namespace {

constexpr std::string_view kInstanceScope = "";

std::shared_ptr<const SourceEntry> MakeSourceEntry(Source source,
                                                   std::shared_ptr<verify::KeySource> keys) {
  auto entry = std::make_shared<SourceEntry>();
  absl::StatusOr<std::shared_ptr<const Verifier>> verifier =
      verify::CompileForSource(source, std::move(keys));
  // A source whose verifier does not compile has none, and what comes to it is refused
  // (SourceEntry).
  if (verifier.ok()) entry->verifier = *std::move(verifier);
  entry->credentials = verify::CredentialsOf(source);
  entry->source = std::move(source);
  return entry;
}

bool Touches(const ConfigChanges& changes, ConfigKind kind, std::string_view id) {
  return std::any_of(changes.puts.begin(), changes.puts.end(),
                     [&](const ConfigRecord& put) { return put.kind == kind && put.id == id; }) ||
         std::any_of(changes.removes.begin(), changes.removes.end(),
                     [&](const ConfigRef& ref) { return ref.kind == kind && ref.id == id; });
}

// The scopes that a write changes something in, as far as it says.
void TellScopesOf(const ConfigWrite& write, ChangeNotices& notices) {
  notices.Tell(write.scope);
  for (const ConfigRecord& record : write.puts) {
    if (ConfigScopeOf(record) != write.scope) notices.Tell(ConfigScopeOf(record));
  }
  for (const ConfigRef& ref : write.removes) {
    if (ref.kind == ConfigKind::kProject) notices.Tell(ref.id);
    const ConfigKindInfo* const info = FindConfigKind(ref.kind);
    const bool is_of_instance = info != nullptr && info->home == ConfigHome::kInstance;
    // Of which other scope the object was is known to the store alone.
    if (is_of_instance != write.scope.empty()) notices.TellAll();
  }
}

}  // namespace

struct ConfigCache::State {
  State(Storage* storage_in, const CacheOptions& options,
        std::shared_ptr<verify::KeySource> keys_in)
      : storage(*storage_in),
        published_keys(std::move(keys_in)),
        notices(storage_in, options.clock),
        projects(options.projects_max),
        sources(options.sources_max),
        keys(options.keys_max),
        portal_links(options.portal_links_max) {}

  using Projects = LoadingCache<route::ProjectSnapshot>;
  using Sources = LoadingCache<SourceEntry>;
  using Keys = LoadingCache<ApiKey>;
  using PortalLinks = LoadingCache<PortalLink>;

  absl::StatusOr<Projects::Entry> LoadProject(std::string_view id, const Projects::Entry* known);
  absl::StatusOr<Sources::Entry> LoadSource(std::string_view mask, const Sources::Entry* known);
  absl::StatusOr<Keys::Entry> LoadKey(std::string_view mask, const Keys::Entry* known);
  absl::StatusOr<PortalLinks::Entry> LoadPortalLink(std::string_view mask,
                                                    const PortalLinks::Entry* known);

  Storage& storage;
  const std::shared_ptr<verify::KeySource> published_keys;
  ChangeNotices notices;
  Projects projects;
  Sources sources;
  Keys keys;
  PortalLinks portal_links;
};

ConfigCache::ConfigCache(Storage* storage, CacheOptions options,
                         std::shared_ptr<verify::KeySource> keys)
    : state_(std::make_unique<State>(storage, options, std::move(keys))) {}

ConfigCache::~ConfigCache() = default;

void ConfigCache::OnWritten(std::span<const ConfigWrite> writes) {
  for (const ConfigWrite& write : writes) TellScopesOf(write, state_->notices);
}

absl::StatusOr<std::shared_ptr<const route::ProjectSnapshot>> ConfigCache::FindProject(
    std::string_view project_id) {
  State& state = *state_;
  CONVOY_RETURN_IF_ERROR(state.notices.Look());
  return state.projects.Find(
      project_id,
      [&](const State::Projects::Entry& entry) {
        return state.notices.Holds(entry.stamp.notice, project_id, kInstanceScope);
      },
      [&](const State::Projects::Entry* known) { return state.LoadProject(project_id, known); });
}

std::shared_ptr<const route::ProjectSnapshot> ConfigCache::FindHeldProject(
    std::string_view project_id) {
  return state_->projects.FindHeld(project_id);
}

absl::StatusOr<ConfigCache::State::Projects::Entry> ConfigCache::State::LoadProject(
    std::string_view id, const Projects::Entry* known) {
  Stamp stamp{.notice = notices.last()};
  CONVOY_ASSIGN_OR_RETURN(stamp.instance, storage.ConfigRevision(kInstanceScope));
  if (known != nullptr) {
    Projects::Value value = known->value;
    if (stamp.instance != known->stamp.instance) {
      CONVOY_ASSIGN_OR_RETURN(Project project, GetConfig<Project>(storage, kInstanceScope, id));
      if (project != value->project()) value = value->WithProject(std::move(project));
    }
    CONVOY_ASSIGN_OR_RETURN(const ConfigChanges changes,
                            storage.ConfigChangesSince(id, value->revision()));
    if (changes.is_complete) {
      if (changes.revision != value->revision()) {
        CONVOY_ASSIGN_OR_RETURN(value, value->WithChanges(changes));
      }
      return Projects::Entry{.value = std::move(value), .stamp = stamp};
    }
  }
  CONVOY_ASSIGN_OR_RETURN(ProjectConfiguration read, convoy::LoadProject(storage, id));
  CONVOY_ASSIGN_OR_RETURN(Projects::Value value, route::ProjectSnapshot::Build(std::move(read)));
  return Projects::Entry{.value = std::move(value), .stamp = stamp};
}

absl::StatusOr<std::shared_ptr<const SourceEntry>> ConfigCache::FindSourceByMask(
    std::string_view mask_id) {
  State& state = *state_;
  CONVOY_RETURN_IF_ERROR(state.notices.Look());
  return state.sources.Find(
      mask_id,
      [&](const State::Sources::Entry& entry) {
        const std::string& project_id = entry.value->source.project_id;
        return state.notices.Holds(entry.stamp.notice, project_id, project_id);
      },
      [&](const State::Sources::Entry* known) { return state.LoadSource(mask_id, known); });
}

// The removal of a project is "everything" in the feed of its scope, so that the feed alone tells
// whether a source still is as it was.
absl::StatusOr<ConfigCache::State::Sources::Entry> ConfigCache::State::LoadSource(
    std::string_view mask, const Sources::Entry* known) {
  Stamp stamp{.notice = notices.last()};
  if (known != nullptr) {
    const Source& source = known->value->source;
    CONVOY_ASSIGN_OR_RETURN(const ConfigChanges changes,
                            storage.ConfigChangesSince(source.project_id, known->stamp.project));
    if (changes.is_complete && !Touches(changes, ConfigKind::kSource, source.id)) {
      stamp.project = changes.revision;
      return Sources::Entry{.value = known->value, .stamp = stamp};
    }
  }
  // The source itself says whose revision to read: it is read a second time, after the stamp.
  CONVOY_ASSIGN_OR_RETURN(const Source first, FindConfig<Source>(storage, "mask_id", mask));
  CONVOY_ASSIGN_OR_RETURN(stamp.project, storage.ConfigRevision(first.project_id));
  CONVOY_ASSIGN_OR_RETURN(Source source, FindConfig<Source>(storage, "mask_id", mask));
  if (source.project_id != first.project_id) {
    return absl::UnavailableError("the source is being moved, try again");
  }
  return Sources::Entry{.value = MakeSourceEntry(std::move(source), published_keys),
                        .stamp = stamp};
}

absl::StatusOr<std::shared_ptr<const PortalLink>> ConfigCache::FindPortalLinkByMask(
    std::string_view mask_id) {
  State& state = *state_;
  CONVOY_RETURN_IF_ERROR(state.notices.Look());
  return state.portal_links.Find(
      mask_id,
      [&](const State::PortalLinks::Entry& entry) {
        const std::string& project_id = entry.value->project_id;
        return state.notices.Holds(entry.stamp.notice, project_id, project_id);
      },
      [&](const State::PortalLinks::Entry* known) { return state.LoadPortalLink(mask_id, known); });
}

// As with a source.
absl::StatusOr<ConfigCache::State::PortalLinks::Entry> ConfigCache::State::LoadPortalLink(
    std::string_view mask, const PortalLinks::Entry* known) {
  Stamp stamp{.notice = notices.last()};
  if (known != nullptr) {
    const PortalLink& link = *known->value;
    CONVOY_ASSIGN_OR_RETURN(const ConfigChanges changes,
                            storage.ConfigChangesSince(link.project_id, known->stamp.project));
    if (changes.is_complete && !Touches(changes, ConfigKind::kPortalLink, link.id)) {
      stamp.project = changes.revision;
      return PortalLinks::Entry{.value = known->value, .stamp = stamp};
    }
  }
  CONVOY_ASSIGN_OR_RETURN(const PortalLink first, FindConfig<PortalLink>(storage, "mask_id", mask));
  CONVOY_ASSIGN_OR_RETURN(stamp.project, storage.ConfigRevision(first.project_id));
  CONVOY_ASSIGN_OR_RETURN(PortalLink link, FindConfig<PortalLink>(storage, "mask_id", mask));
  return PortalLinks::Entry{.value = std::make_shared<const PortalLink>(std::move(link)),
                            .stamp = stamp};
}

absl::StatusOr<std::shared_ptr<const ApiKey>> ConfigCache::FindApiKeyByMask(
    std::string_view mask_id) {
  State& state = *state_;
  CONVOY_RETURN_IF_ERROR(state.notices.Look());
  return state.keys.Find(
      mask_id,
      [&](const State::Keys::Entry& entry) {
        return state.notices.Holds(entry.stamp.notice, kInstanceScope, kInstanceScope);
      },
      [&](const State::Keys::Entry* known) { return state.LoadKey(mask_id, known); });
}

absl::StatusOr<ConfigCache::State::Keys::Entry> ConfigCache::State::LoadKey(
    std::string_view mask, const Keys::Entry* known) {
  Stamp stamp{.notice = notices.last()};
  if (known != nullptr) {
    CONVOY_ASSIGN_OR_RETURN(const ConfigChanges changes,
                            storage.ConfigChangesSince(kInstanceScope, known->stamp.instance));
    if (changes.is_complete && !Touches(changes, ConfigKind::kApiKey, known->value->id)) {
      stamp.instance = changes.revision;
      return Keys::Entry{.value = known->value, .stamp = stamp};
    }
  }
  CONVOY_ASSIGN_OR_RETURN(stamp.instance, storage.ConfigRevision(kInstanceScope));
  CONVOY_ASSIGN_OR_RETURN(ApiKey key, FindConfig<ApiKey>(storage, "mask_id", mask));
  return Keys::Entry{.value = std::make_shared<const ApiKey>(std::move(key)), .stamp = stamp};
}

}  // namespace convoy::config

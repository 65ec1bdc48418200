// Configuration held in memory: projects as indexed snapshots, sources with their compiled
// verifier, API keys, portal links. Loaded on first use, bounded, and brought up to date by the
// store's feed of changes at the cost of the change. An answer from memory asks the store nothing
// (change_notices.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "convoy/storage.h"
#include "convoy/verifier.h"
#include "lib/route/snapshot.h"
#include "lib/verify/key_source.h"
#include "lib/verify/source_verifier.h"

namespace convoy::config {

struct SourceEntry {
  Source source;
  // Null if the source has no valid verifier: then nothing that comes to it may be accepted.
  std::shared_ptr<const Verifier> verifier;
  verify::Credentials credentials;
};

struct CacheOptions {
  uint32_t projects_max = 1024;
  uint32_t sources_max = 16 * 1024;
  uint32_t keys_max = 16 * 1024;
  uint32_t portal_links_max = 16 * 1024;
  // Tells when the store is to be asked for changes of other openers. Null: each time.
  Clock* clock = nullptr;
};

// Safe to use from any thread; a hit takes a few short locks. Storage and clock must outlive it.
class ConfigCache {
 public:
  // `keys` may be null: then sources whose keys are published have no verifier.
  ConfigCache(Storage* storage, CacheOptions options,
              std::shared_ptr<verify::KeySource> keys = nullptr);
  ~ConfigCache();

  // kNotFound for unknown ids, which are not remembered: they cost a look into the store, and no
  // memory. An answer has every change that OnWritten was told of before the call, and those of
  // other openers no later than a second after they were durable.
  absl::StatusOr<std::shared_ptr<const route::ProjectSnapshot>> FindProject(
      std::string_view project_id);
  // The project as FindProject gave it last, or null: asks the store nothing.
  std::shared_ptr<const route::ProjectSnapshot> FindHeldProject(std::string_view project_id);
  absl::StatusOr<std::shared_ptr<const SourceEntry>> FindSourceByMask(std::string_view mask_id);
  absl::StatusOr<std::shared_ptr<const ApiKey>> FindApiKeyByMask(std::string_view mask_id);
  absl::StatusOr<std::shared_ptr<const PortalLink>> FindPortalLinkByMask(std::string_view mask_id);

  // To be called once these writes of this process are visible in the store, before they are
  // answered.
  void OnWritten(std::span<const ConfigWrite> writes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace convoy::config

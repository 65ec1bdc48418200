// Configuration held in memory: projects as indexed snapshots, sources with their compiled
// verifier, API keys. Loaded on first use, bounded, replaced whole when the store's revision moves:
// the project's own or, since projects themselves belong to the instance, the instance's.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "convoy/verifier.h"
#include "lib/route/snapshot.h"
#include "lib/verify/key_source.h"

namespace convoy::config {

struct SourceEntry {
  Source source;
  // Null if the source has no valid verifier: then nothing that comes to it may be accepted.
  std::shared_ptr<const Verifier> verifier;
};

struct CacheLimits {
  uint32_t projects_max = 1024;
  uint32_t sources_max = 16 * 1024;
  uint32_t keys_max = 16 * 1024;
};

// Safe to use from any thread; a hit takes one short lock. The storage must outlive it.
class ConfigCache {
 public:
  // `keys` may be null: then sources whose keys are published have no verifier.
  ConfigCache(Storage* storage, CacheLimits limits,
              std::shared_ptr<verify::KeySource> keys = nullptr);
  ~ConfigCache();

  // kNotFound for unknown ids. Each answer is current as of Storage::ConfigRevision.
  absl::StatusOr<std::shared_ptr<const route::ProjectSnapshot>> FindProject(
      std::string_view project_id);
  absl::StatusOr<std::shared_ptr<const SourceEntry>> FindSourceByMask(std::string_view mask_id);
  absl::StatusOr<std::shared_ptr<const ApiKey>> FindApiKeyByMask(std::string_view mask_id);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace convoy::config

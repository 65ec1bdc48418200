// The held inputs of the store in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "convoy/storage.h"
#include "lib/storage/memory/age_table.h"

namespace convoy::storage {

// Not safe for several threads at once.
class HeldTable {
 public:
  // Refuses the releases as a whole if one names what is not held, or what another one names.
  absl::Status CheckReleases(const std::vector<HeldInputRelease>& releases) const;
  void Release(const std::vector<HeldInputRelease>& releases);

  // Returns how many inputs made room because of `hold.use_max`.
  uint64_t Add(HeldInputWrite hold);
  void RemoveSource(std::string_view source_id);
  void RemoveProject(std::string_view project_id);

  const HeldInput* Find(std::string_view project_id, std::string_view id) const;
  HeldUse use() const;
  const AgeTable<HeldInput>& all() const { return inputs_; }
  const AgeTable<HeldInput>::Map& map() const { return inputs_.map(); }
  AgeTable<HeldInput>::Map& map() { return inputs_.map(); }

 private:
  void RemoveExpired(absl::Time now);
  void RemoveOldest(std::string_view source_id, HeldKind kind, size_t items_max);
  void RemoveOldestOfGreatest();

  AgeTable<HeldInput> inputs_;
};

}  // namespace convoy::storage

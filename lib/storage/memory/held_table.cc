// Held inputs of the store in memory: holding and releasing by plain walks, like the rest of the
// store in memory.
#include "lib/storage/memory/held_table.h"

#include <set>
#include <utility>

#include "lib/storage/write_rules.h"

namespace convoy::storage {

absl::Status HeldTable::CheckReleases(const std::vector<HoldRelease>& releases) const {
  std::set<std::string_view> seen;
  for (const HoldRelease& release : releases) {
    if (Find(release.project_id, release.held_id) == nullptr) return NotHeld();
    if (!seen.insert(release.held_id).second) return NotHeld();
  }
  return absl::OkStatus();
}

void HeldTable::Release(const std::vector<HoldRelease>& releases) {
  for (const HoldRelease& release : releases) inputs_.Erase(release.held_id);
}

void HeldTable::Add(HeldInput input, uint32_t items_max) {
  const std::string source_id = input.source_id;
  const HeldKind kind = input.kind;
  RemoveExpired(input.received_at);
  std::string id = input.id;
  inputs_.Put(std::move(id), std::move(input));
  if (items_max > 0) RemoveOldest(source_id, kind, items_max);
}

void HeldTable::RemoveSource(std::string_view source_id) {
  std::erase_if(inputs_.rows(),
                [&](const auto& row) { return row.second.value.source_id == source_id; });
}

void HeldTable::RemoveProject(std::string_view project_id) {
  std::erase_if(inputs_.rows(),
                [&](const auto& row) { return row.second.value.project_id == project_id; });
}

const HeldInput* HeldTable::Find(std::string_view project_id, std::string_view id) const {
  const HeldInput* input = inputs_.Find(id);
  return input != nullptr && input->project_id == project_id ? input : nullptr;
}

void HeldTable::RemoveExpired(absl::Time now) {
  std::set<std::pair<absl::Time, int64_t>> expired;  // keys, earliest expiry first
  for (const auto& [key, row] : inputs_.rows()) {
    if (row.value.expires_at <= now) expired.emplace(row.value.expires_at, key);
  }
  int removed_count = 0;
  for (const auto& [expires_at, key] : expired) {
    if (++removed_count > kExpiredInputsPerHold) break;
    inputs_.rows().erase(key);
  }
}

void HeldTable::RemoveOldest(std::string_view source_id, HeldKind kind, size_t items_max) {
  std::vector<int64_t> keys;  // ascending, i.e. oldest first
  for (const auto& [key, row] : inputs_.rows()) {
    if (row.value.source_id == source_id && row.value.kind == kind) keys.push_back(key);
  }
  for (size_t i = 0; i + items_max < keys.size(); ++i) inputs_.rows().erase(keys[i]);
}

}  // namespace convoy::storage

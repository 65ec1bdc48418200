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
  for (const HoldRelease& release : releases) inputs_.erase(release.held_id);
}

void HeldTable::Add(HeldInput input, uint32_t items_max) {
  const std::string source_id = input.source_id;
  const HeldKind kind = input.kind;
  RemoveExpired(input.received_at);
  std::string id = input.id;
  inputs_[std::move(id)] = std::move(input);
  if (items_max > 0) RemoveOldest(source_id, kind, items_max);
}

void HeldTable::RemoveSource(std::string_view source_id) {
  std::erase_if(inputs_, [&](const auto& entry) { return entry.second.source_id == source_id; });
}

void HeldTable::RemoveProject(std::string_view project_id) {
  std::erase_if(inputs_, [&](const auto& entry) { return entry.second.project_id == project_id; });
}

const HeldInput* HeldTable::Find(std::string_view project_id, std::string_view id) const {
  const auto entry = inputs_.find(id);
  const bool is_found = entry != inputs_.end() && entry->second.project_id == project_id;
  return is_found ? &entry->second : nullptr;
}

void HeldTable::RemoveExpired(absl::Time now) {
  std::set<std::pair<absl::Time, std::string>> expired;
  for (const auto& [id, input] : inputs_) {
    if (input.expires_at <= now) expired.emplace(input.expires_at, id);
  }
  int removed_count = 0;
  for (const auto& [expires_at, id] : expired) {
    if (++removed_count > kExpiredInputsPerHold) break;
    inputs_.erase(id);
  }
}

void HeldTable::RemoveOldest(std::string_view source_id, HeldKind kind, size_t items_max) {
  std::vector<std::string> ids;  // ascending, i.e. oldest first
  for (const auto& [id, input] : inputs_) {
    if (input.source_id == source_id && input.kind == kind) ids.push_back(id);
  }
  for (size_t i = 0; i + items_max < ids.size(); ++i) inputs_.erase(ids[i]);
}

}  // namespace convoy::storage

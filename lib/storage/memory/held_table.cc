// Held inputs of the store in memory: holding and releasing by plain walks, like the rest of the
// store in memory.
#include "lib/storage/memory/held_table.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "lib/storage/write_rules.h"

namespace convoy::storage {

absl::Status HeldTable::CheckReleases(const std::vector<HeldInputRelease>& releases) const {
  std::set<std::string_view> seen;
  for (const HeldInputRelease& release : releases) {
    if (Find(release.project_id, release.held_id) == nullptr) return NotHeld();
    if (!seen.insert(release.held_id).second) return NotHeld();
  }
  return absl::OkStatus();
}

void HeldTable::Release(const std::vector<HeldInputRelease>& releases) {
  for (const HeldInputRelease& release : releases) inputs_.Erase(release.held_id);
}

uint64_t HeldTable::Add(HeldInputWrite hold) {
  const std::string source_id = hold.input.source_id;
  const HeldKind kind = hold.input.kind;
  RemoveExpired(hold.input.received_at);
  std::string id = hold.input.id;
  inputs_.Put(std::move(id), std::move(hold.input));
  if (hold.items_max > 0) RemoveOldest(source_id, kind, hold.items_max);
  uint64_t removed_count = 0;
  while (removed_count < kHeldRemovedPerWrite && IsOver(use(), hold.use_max)) {
    RemoveOldestOfGreatest();
    ++removed_count;
  }
  return removed_count;
}

HeldUse HeldTable::use() const {
  HeldUse sum;
  for (const auto& [key, row] : inputs_.rows()) {
    ++sum.inputs;
    sum.bytes += HeldBytes(row.value);
  }
  return sum;
}

void HeldTable::RemoveSource(std::string_view source_id) {
  inputs_.map().EraseIf([&](const auto& row) { return row.second.value.source_id == source_id; });
}

void HeldTable::RemoveProject(std::string_view project_id) {
  inputs_.map().EraseIf([&](const auto& row) { return row.second.value.project_id == project_id; });
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
    if (++removed_count > kExpiredInputsPerWrite) break;
    inputs_.map().EraseKey(key);
  }
}

void HeldTable::RemoveOldest(std::string_view source_id, HeldKind kind, size_t items_max) {
  std::vector<int64_t> keys;  // ascending, i.e. oldest first
  for (const auto& [key, row] : inputs_.rows()) {
    if (row.value.source_id == source_id && row.value.kind == kind) keys.push_back(key);
  }
  for (size_t i = 0; i + items_max < keys.size(); ++i) inputs_.map().EraseKey(keys[i]);
}

void HeldTable::RemoveOldestOfGreatest() {
  std::map<std::string_view, uint64_t> bytes_of;  // by source
  for (const auto& [key, row] : inputs_.rows())
    bytes_of[row.value.source_id] += HeldBytes(row.value);
  std::string_view greatest;
  for (const auto& [source_id, bytes] : bytes_of) {
    if (greatest.empty() || bytes > bytes_of[greatest]) greatest = source_id;
  }
  std::optional<std::pair<HeldKind, int64_t>> oldest;
  for (const auto& [key, row] : inputs_.rows()) {
    if (row.value.source_id != greatest) continue;
    const std::pair candidate(row.value.kind, key);
    if (!oldest.has_value() || candidate < *oldest) oldest = candidate;
  }
  if (oldest.has_value()) inputs_.map().EraseKey(oldest->second);
}

}  // namespace convoy::storage

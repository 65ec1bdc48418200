// Ledger of unacknowledged offsets; see ledger.h.
#include "lib/broker/kafka/ledger.h"

namespace convoy::kafka {

uint64_t Ledger::HandOut(int32_t partition, int64_t offset) {
  const auto [entry, is_new] = partitions_.try_emplace(partition);
  Partition& owned = entry->second;
  if (is_new) owned.reported = offset;
  owned.waiting.insert(offset);
  owned.next = offset + 1;
  handed_[++last_tag_] = {partition, offset};
  return last_tag_;
}

void Ledger::Acknowledge(uint64_t tag) {
  const auto found = handed_.find(tag);
  if (found == handed_.end()) return;
  partitions_[found->second.partition].waiting.erase(found->second.offset);
  handed_.erase(found);
}

void Ledger::Forget(int32_t partition) {
  if (partitions_.erase(partition) == 0) return;
  absl::erase_if(handed_, [&](const auto& entry) { return entry.second.partition == partition; });
}

std::vector<std::pair<int32_t, int64_t>> Ledger::TakeProgress() {
  std::vector<std::pair<int32_t, int64_t>> progress;
  for (auto& [number, partition] : partitions_) {
    const int64_t next = partition.waiting.empty() ? partition.next : *partition.waiting.begin();
    if (next == partition.reported) continue;
    partition.reported = next;
    progress.emplace_back(number, next);
  }
  return progress;
}

void Ledger::Retract(int32_t partition) {
  const auto found = partitions_.find(partition);
  if (found != partitions_.end()) found->second.reported = kNothing;
}

void Ledger::RetractAll() {
  for (auto& [number, partition] : partitions_) partition.reported = kNothing;
}

}  // namespace convoy::kafka

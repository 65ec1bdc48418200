// Ledger of the messages handed out of each partition and not yet acknowledged, and the offset that
// may be committed: everything before it is durable. Pure bookkeeping, independent of librdkafka.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"

namespace convoy::kafka {

class Ledger {
 public:
  // Records a message of an assigned partition as handed out. Returns its tag, never 0. Offsets of
  // a partition rise, but need not be consecutive: compaction and transactions leave gaps.
  uint64_t HandOut(int32_t partition, int64_t offset);

  // Ignores unknown tags: a message of a partition that was revoked is acknowledged by its next
  // owner, even if the partition has been assigned back in the meantime.
  void Acknowledge(uint64_t tag);

  // Forgets what was handed out of a partition that was revoked or will be read again.
  void Forget(int32_t partition);

  // Partition and the offset to read next, where that has risen since it was last asked for.
  std::vector<std::pair<int32_t, int64_t>> TakeProgress();

  // Makes TakeProgress report the partition's offset (or all offsets) again, because the commit of
  // what it reported failed or may have failed.
  void Retract(int32_t partition);
  void RetractAll();

 private:
  static constexpr int64_t kNothing = -1;

  struct Partition {
    absl::btree_set<int64_t> waiting;  // handed out and not acknowledged
    int64_t next = 0;                  // behind the last one handed out
    int64_t reported = 0;              // what TakeProgress gave, or kNothing
  };
  struct Handed {
    int32_t partition;
    int64_t offset;
  };

  uint64_t last_tag_ = 0;
  absl::flat_hash_map<uint64_t, Handed> handed_;  // of the partitions below, by tag
  absl::btree_map<int32_t, Partition> partitions_;
};

}  // namespace convoy::kafka

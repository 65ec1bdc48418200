// Rule of how long a group of commits is let grow. After a sync, its callers come back at about the
// same time, and a group that is written for the first of them costs a transaction and a sync, for
// which the others wait.
#pragma once

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"

namespace convoy::storage {

// Not safe for several threads at once.
class Gathering {
 public:
  void OnSyncBegin(absl::Time now) { began_at_ = now; }

  // `settled_count` callers were told that they are durable.
  void OnSyncEnd(absl::Time now, size_t settled_count) {
    ended_at_ = now;
    expected_count_ = settled_count;
    patience_ = std::clamp((now - began_at_) / kShareOfSync, absl::ZeroDuration(), kPatienceMax);
  }

  // Whether a group of `queued_count` is as large as the last ones, all but an eighth.
  bool is_complete(size_t queued_count) const {
    return queued_count >= expected_count_ - expected_count_ / 8;
  }

  // How much longer to wait for those that are missing. Bounded also when the clock steps.
  absl::Duration TimeLeft(absl::Time now) const {
    return std::min(ended_at_ + patience_ - now, patience_);
  }

 private:
  // Each has to wait for a sync anyway; waiting for others adds little to that.
  static constexpr int kShareOfSync = 4;
  static constexpr absl::Duration kPatienceMax = absl::Milliseconds(2);

  absl::Time began_at_, ended_at_ = absl::InfinitePast();
  absl::Duration patience_;
  size_t expected_count_ = 0;
};

}  // namespace convoy::storage

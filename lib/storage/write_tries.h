// Tries of a write that was prepared from a revision of the configuration, and is refused with
// kAborted if that revision is not the present one any more.
#pragma once

#include "absl/status/status.h"

namespace convoy::storage {

class WriteTries {
 public:
  // Of writers at the same time one succeeds in each round. A write that is overtaken more often
  // meets a stream of changes, of which its caller should know.
  static constexpr int kTriesMax = 64;

  // Whether the write that ended with `status` is to be prepared anew: another one overtook it.
  // Each true uses up one try.
  bool ShouldPrepareAnew(const absl::Status& status) {
    return absl::IsAborted(status) && --left_ > 0;
  }

 private:
  int left_ = kTriesMax;
};

}  // namespace convoy::storage

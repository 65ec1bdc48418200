// Makes ids (convoy/ulid.h says what they are), and random texts.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/ulid.h"

namespace convoy::base {

using convoy::IsUlid;
using convoy::LeastUlidAt;

// Makes ids that ascend strictly within one generator, also within one millisecond and when the
// clock steps back. Safe to call from any thread. The clock and the generator must outlive it.
class UlidGenerator {
 public:
  UlidGenerator(Clock* clock, Random* random) : clock_(clock), random_(random) {}

  std::string Next();

 private:
  // A new random part.
  void Restart() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock* const clock_;
  Random* const random_;
  absl::Mutex mutex_;
  int64_t last_ms_ ABSL_GUARDED_BY(mutex_) = -1;
  std::array<uint8_t, 10> last_random_ ABSL_GUARDED_BY(mutex_) = {};
};

// `length` characters out of A–Z a–z 0–9, each equally likely: for masks, secrets and keys.
std::string RandomAlphanumeric(Random& random, size_t length);

}  // namespace convoy::base

// Silence of openers that hold no lock: how long the rows that they count up have stood still, as
// one opener sees it. Time in which it has not looked itself counts for little: then the server, or
// the way to it, was away from the others, too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/time/time.h"

namespace convoy::storage::postgres {

class Silence {
 public:
  // So long after its last count an opener is taken for dead.
  static constexpr absl::Duration kMax = absl::Seconds(15);
  // As much of it as one look can add.
  static constexpr absl::Duration kPerLook = absl::Seconds(2);

  // Notes what stands in the row of an opener, at a steady instant; whether it is silent for too
  // long.
  bool Note(int64_t opener, int64_t beats, absl::Time now) {
    Seen& seen = seen_.try_emplace(opener, Seen{.beats = beats, .at = now}).first->second;
    const absl::Duration elapsed = std::min(now - seen.at, kPerLook);
    const absl::Duration silent = seen.beats == beats ? seen.silent + elapsed : absl::Duration();
    seen = {.beats = beats, .at = now, .silent = silent};
    return silent >= kMax;
  }

  // Begins anew with all of them.
  void Forget() { seen_.clear(); }
  // Of those that were not looked at for long.
  void ForgetBefore(absl::Time time) {
    std::erase_if(seen_, [time](const auto& entry) { return entry.second.at < time; });
  }

 private:
  struct Seen {
    int64_t beats = 0;
    absl::Time at;
    absl::Duration silent = absl::ZeroDuration();
  };

  std::map<int64_t, Seen> seen_;
};

}  // namespace convoy::storage::postgres

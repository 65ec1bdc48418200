// Rule of how much intake is let through while delivering is behind: 15 new deliveries for 16 that
// end, so that the backlog shrinks, and a few more each time the limit is renewed, so that intake
// never stands still.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace convoy::storage {

// Not safe for several threads at once.
class IntakeLimit {
 public:
  bool is_on() const { return is_on_; }

  // Each call with true lets a few deliveries through.
  void Set(bool is_on) {
    is_on_ = is_on;
    credit_ = is_on ? std::min(credit_ + kCreditFloor, kCreditMax) : 0;
  }

  // Whether a batch with so many new deliveries may be written now.
  bool may_take(int64_t deliveries_count) const {
    return !is_on_ || credit_ > 0 || deliveries_count == 0;
  }

  void OnTaken(int64_t deliveries_count) {
    if (is_on_) credit_ -= deliveries_count * kCreditOfDelivery;
  }

  void OnOutcomes(size_t count) {
    if (!is_on_) return;
    credit_ = std::min(credit_ + static_cast<int64_t>(count) * kCreditOfOutcome, kCreditMax);
  }

 private:
  static constexpr int64_t kCreditOfDelivery = 16;
  static constexpr int64_t kCreditOfOutcome = 15;
  // For deliveries that each renewal lets through, and that may come in at once after a pause.
  static constexpr int64_t kCreditFloor = 16 * kCreditOfDelivery;
  static constexpr int64_t kCreditMax = 512 * kCreditOfDelivery;

  bool is_on_ = false;
  int64_t credit_ = 0;
};

}  // namespace convoy::storage

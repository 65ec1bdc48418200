// State machine of a delivery:
//
//   scheduled ──▶ processing ──▶ success
//       ▲             │  ├─────▶ failure      (gone, no tries left, or not to be repeated)
//       │             ▼  └─────▶ discarded    (endpoint deleted, or inactive from the start)
//       └── retry ◀── attempt failed
//
// A delivery leaves "processing" only through a function of this file.
#include "lib/dispatch/delivery_machine.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/storage/write_rules.h"

namespace convoy::dispatch {
namespace {

constexpr absl::Duration kExponentialMax = absl::Seconds(7'200);
constexpr absl::Duration kJitterMax = absl::Seconds(5);

absl::Duration Jitter(Random& random) {
  std::array<uint8_t, 2> bytes;
  random.Fill(bytes);
  const int fraction = bytes[0] << 8 | bytes[1];
  return kJitterMax * fraction / 0x10000;
}

Delivery Finish(Delivery delivery, DeliveryStatus status, std::string_view description,
                absl::Time now) {
  delivery.status = status;
  delivery.description = description;
  delivery.latency = std::max(absl::ZeroDuration(), now - delivery.created_at);
  delivery.updated_at = now;
  return delivery;
}

}  // namespace

bool MayRepeat(const Delivery& delivery, const Classification& classification) {
  const bool is_repeatable = delivery.mode == DeliveryMode::kAtLeastOnce;
  switch (classification.resend) {
    case Resend::kNever:
      return false;
    case Resend::kAtLeastOnce:
      return is_repeatable;
    case Resend::kUnlessSent:
      return is_repeatable || !classification.may_have_arrived;
    case Resend::kAlways:
      break;
  }
  return true;
}

absl::Duration RetryDelay(const RetryPolicy& policy, uint32_t attempts_count, Random& random) {
  if (policy.strategy == RetryStrategy::kLinear) return policy.interval;
  absl::Duration delay = policy.interval;
  for (uint32_t i = 0; i < attempts_count && delay < kExponentialMax; ++i) delay *= 2;
  return std::min(delay, kExponentialMax) + Jitter(random);
}

Transition AfterAttempt(Delivery delivery, const Classification& classification,
                        const ProjectConfig& config, absl::Time now, Random& random) {
  Delivery next = std::move(delivery);
  ++next.attempts_count;

  if (classification.outcome == Outcome::kDelivered) {
    return {Finish(std::move(next), DeliveryStatus::kSuccess, "", now)};
  }
  if (classification.outcome == Outcome::kGone) {
    return {Finish(std::move(next), DeliveryStatus::kFailure,
                   "the endpoint answered 410 Gone and was disabled", now),
            true};
  }
  if (classification.outcome == Outcome::kHandlerRefused) {
    return {Finish(std::move(next), DeliveryStatus::kFailure, classification.error, now)};
  }
  if (!MayRepeat(next, classification)) {
    return {Finish(std::move(next), DeliveryStatus::kFailure,
                   absl::StrCat(classification.error,
                                "; not repeated, because the delivery mode is at_most_once"),
                   now)};
  }
  if (next.attempts_count >= next.retry.attempts_max) {
    // The endpoint has no part in the failure of a function.
    const bool is_ours = classification.outcome == Outcome::kFunctionFailed;
    return {Finish(std::move(next), DeliveryStatus::kFailure,
                   is_ours ? absl::StrCat("Retry limit exceeded: ", classification.error)
                           : "Retry limit exceeded",
                   now),
            config.should_disable_endpoint && !is_ours};
  }
  const absl::Duration delay = std::max(RetryDelay(next.retry, next.attempts_count, random),
                                        classification.wait_min.value_or(absl::ZeroDuration()));
  next.status = DeliveryStatus::kRetry;
  next.description = classification.error;
  next.due_at = now + delay;
  next.updated_at = now;
  return {std::move(next)};
}

Delivery PutBack(const Delivery& delivery, absl::Time due_at, absl::Time now) {
  Delivery back = delivery;
  back.status = back.attempts_count == 0 ? DeliveryStatus::kScheduled : DeliveryStatus::kRetry;
  back.due_at = due_at;
  back.updated_at = now;
  return back;
}

Delivery EndUnknown(const Delivery& delivery, absl::Time now) {
  return Finish(delivery, DeliveryStatus::kFailure, storage::kUnknownArrival, now);
}

Delivery Discard(const Delivery& delivery, std::string_view reason, absl::Time now) {
  return Finish(delivery, DeliveryStatus::kDiscarded, reason, now);
}

}  // namespace convoy::dispatch

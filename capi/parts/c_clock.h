// Clock of the host.
#pragma once

#include <memory>
#include <utility>

#include "capi/parts/part.h"
#include "convoy/clock.h"

namespace convoy::capi {

using ClockPart = Part<convoy_clock>;

class CClock final : public Clock {
 public:
  CClock(std::shared_ptr<const ClockPart> part, const Engine* engine)
      : part_(std::move(part)), engine_(engine) {}

  absl::Time Now() override;
  absl::Time SteadyNow() override;

 private:
  absl::Time Ask(int64_t (*function)(void*));

  const std::shared_ptr<const ClockPart> part_;
  const Engine* const engine_;
};

}  // namespace convoy::capi

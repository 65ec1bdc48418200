// Count of the bytes of bodies that claimed deliveries keep in memory, so that claiming can stop at
// a bound.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "convoy/model.h"

namespace convoy::dispatch {

// Events that it has given out may outlive it. Safe to use from any thread.
class HeldBodies {
 public:
  // The same event, whose body counts until the last reference to the result is gone.
  std::shared_ptr<const Event> Count(std::shared_ptr<const Event> event) {
    const Event* const target = event.get();
    const uint64_t size = target->body.size();
    bytes_count_->fetch_add(size);
    return {target, [event = std::move(event), bytes_count = bytes_count_, size](const Event*) {
              bytes_count->fetch_sub(size);
            }};
  }

  uint64_t bytes_count() const { return bytes_count_->load(); }

 private:
  std::shared_ptr<std::atomic<uint64_t>> bytes_count_ =
      std::make_shared<std::atomic<uint64_t>>(uint64_t{0});
};

}  // namespace convoy::dispatch

// Assembles deliveries from the frames of a channel: basic.deliver, a header, then the body in as
// many frames as it takes. No I/O.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "convoy/broker.h"

namespace convoy::broker::amqp {

struct Delivery {
  BrokerMessage message;
  std::string routing_key;
  std::string properties;  // as they came, encoded
};

class Assembler {
 public:
  // A body larger than `body_bytes_max` is cut off there: the rest is read and dropped.
  explicit Assembler(uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Takes the next frame of the channel. Returns the delivery that it completes, if any.
  // kUnavailable for a frame that is invalid here, and for one by which the broker ends the
  // consumer.
  absl::StatusOr<std::optional<Delivery>> Add(const amqp_frame_t& frame);

 private:
  enum class Expects : uint8_t { kMethod, kHeader, kBody };

  absl::Status TakeMethod(const amqp_method_t& method);
  absl::Status TakeHeader(const amqp_frame_t& frame);
  absl::Status TakeBody(std::string_view part);

  const uint64_t body_bytes_max_;
  Expects expects_ = Expects::kMethod;
  Delivery delivery_;
  uint64_t bytes_left_ = 0;  // of the body, still to come
};

}  // namespace convoy::broker::amqp

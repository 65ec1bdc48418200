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
  // A body larger than `body_bytes_max` is cut there: the rest is read and dropped.
  explicit Assembler(uint64_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

  // Takes the next frame of the channel. Answers with the delivery that it completes, if it does.
  // kUnavailable if it makes no sense here, or if the broker ends the consumer with it.
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

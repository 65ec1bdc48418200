// Assembles deliveries from the frames of a channel: basic.deliver or basic.get-ok, a header, then
// the body in as many frames as it takes. No I/O.
//
// AMQP brokers give messages no name. A redelivery id is made of the place, the sender's message_id
// and a digest of the content, so that a corrected copy under the same id is another message. The
// broker's own `redelivered` flag decides whether the message can have been handed out before: by
// RabbitMQ's documentation (Reliability Guide, "Consumer delivery acknowledgements") a message
// without it has never been.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

#include "convoy/broker.h"

namespace convoy::broker::amqp {

struct Delivery {
  BrokerMessage message;
  std::string properties;  // as they came, encoded
};

class Assembler {
 public:
  // `place` names the broker, virtual host and queue. A body larger than `body_bytes_max` is cut
  // there: the rest is read and dropped.
  Assembler(std::string place, uint64_t body_bytes_max)
      : place_(std::move(place)), body_bytes_max_(body_bytes_max) {}

  // Takes the next frame of the channel. Returns the delivery that it completes, if any.
  // kUnavailable for a frame that is invalid here, and for one by which the broker ends the
  // consumer.
  absl::StatusOr<std::optional<Delivery>> Add(const amqp_frame_t& frame);

 private:
  enum class Expects : uint8_t { kMethod, kHeader, kBody };

  absl::Status TakeMethod(const amqp_method_t& method);
  // basic.deliver and basic.get-ok have the fields in common that matter here.
  template <typename Method>
  void Begin(const Method& method);
  absl::Status TakeHeader(const amqp_frame_t& frame);
  absl::Status TakeBody(std::string_view part);
  Delivery Finish();

  const std::string place_;
  const uint64_t body_bytes_max_;
  Expects expects_ = Expects::kMethod;
  Delivery delivery_;
  uint64_t bytes_left_ = 0;  // of the body, still to come
};

}  // namespace convoy::broker::amqp

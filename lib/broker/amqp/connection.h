// Connection to an AMQP broker with one channel, on librabbitmq. Every wait has a limit. Nothing is
// received before it is asked for: what a broker sends stays in the socket's buffers until Next is
// called.
#pragma once

#include <amqp.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/model.h"
#include "lib/broker/amqp/errors.h"
#include "lib/broker/amqp/tls.h"
#include "lib/transport/guard.h"

namespace convoy::broker::amqp {

// Both peers send something at least this often; a peer that hears nothing for twice as long closes
// the connection.
inline constexpr absl::Duration kHeartbeat = absl::Seconds(5);
inline constexpr amqp_channel_t kChannel = 1;
// For each step of opening: a broker that answers at all answers within this time.
inline constexpr absl::Duration kAnswerPatience = absl::Seconds(3);

class Connection {
 public:
  // Connects, logs in and opens the channel. `name` is shown by the broker's own tools. Errors as
  // of Broker::Open.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const AmqpConfig& config,
                                                          const transport::Guard& guard,
                                                          std::string_view name, Clock* clock);
  // Closes in an orderly way, so that everything sent reaches the broker; waits for at most a
  // second.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Accepts frames longer than was negotiated. Called directly after Open, and only by consumers.
  // RabbitMQ adds headers to a message that it dead-letters without checking the frame size; a
  // consumer that refused such a message would receive it again for ever.
  absl::Status AcceptLongFrames();

  // Sends a method with its arguments (of librabbitmq's type for it) on the channel.
  absl::Status Send(amqp_method_number_t method, void* arguments);
  // The same, and waits for the response. `doing` begins the text of an error.
  absl::Status Call(amqp_method_number_t method, void* arguments, amqp_method_number_t answer,
                    std::string_view doing);
  // Publishes on the channel.
  absl::Status Publish(std::string_view exchange, std::string_view routing_key,
                       const amqp_basic_properties_t& properties, std::string_view body);
  // Sends a heartbeat, unless one was just sent. For owners that do not call Next for a while.
  absl::Status KeepAlive();

  // The next received frame of the channel, valid until the next call of any function; nullptr if
  // there is none. Sends heartbeats when they are due. An error if the broker has closed the
  // channel or the connection, or is silent for too long.
  absl::StatusOr<const amqp_frame_t*> Next();

  // Blocks until there may be a next frame, until `patience` is over, until a heartbeat is due or
  // until `wake_fd`, unless it is -1, is readable.
  absl::Status Wait(int wake_fd, absl::Duration patience);

  uint64_t frame_bytes_max() const;

 private:
  Connection(const AmqpConfig& config, Clock* clock);

  absl::Status Connect(const AmqpConfig& config, const transport::Guard& guard);
  absl::Status LogIn(const AmqpConfig& config, std::string_view name);
  // OK; otherwise keeps and returns the failure, after which the connection is unusable.
  absl::Status Check(int status, std::string_view doing);
  absl::Status Fail(absl::Status failure);
  absl::Status FailByServer(const amqp_method_t& close, std::string_view doing);
  absl::StatusOr<const amqp_frame_t*> Receive(std::string_view doing);

  Clock* const clock_;
  const std::string peer_;      // "host:port"
  const std::string lost_;      // how errors in the middle start
  const std::string password_;  // never to be in an error
  TlsPeer tls_peer_;
  amqp_connection_state_t state_ = nullptr;
  amqp_frame_t frame_ = {};
  absl::Time last_kept_at_ = absl::InfinitePast();
  Phase phase_ = Phase::kLogin;
  absl::Status failure_;       // the first one
  bool is_logged_in_ = false;  // and may say goodbye
};

}  // namespace convoy::broker::amqp

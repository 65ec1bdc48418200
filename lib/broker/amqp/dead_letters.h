// Publisher of dead-letter copies to the exchange that a source names. It has its own connection,
// opened when needed: a broker short of memory stops reading from connections that publish, and
// acknowledgements must not wait for that.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/model.h"
#include "lib/broker/amqp/connection.h"
#include "lib/broker/amqp/ledger.h"

namespace convoy::broker::amqp {

class DeadLetters {
 public:
  DeadLetters(const AmqpConfig& config, const transport::Guard& guard, Clock* clock)
      : config_(config), guard_(guard), clock_(clock) {}

  bool has_exchange() const { return !config_.dead_letter_exchange.empty(); }

  // Publishes with the message's own routing key and properties and a header x-convoy-reason, as a
  // persistent message; without the properties that would make it expire (expiration), be routed
  // elsewhere (CC, BCC) or be refused (user_id). OK once the broker has confirmed it; kNotFound if
  // no queue takes it. OK at once if there is no exchange.
  absl::Status Publish(const Ledger::Entry& entry, std::string_view body, std::string_view reason);

  // Closes the connection, if there is one, when nothing is to be published for a while.
  void Rest() {
    connection_.reset();
    failure_ = absl::OkStatus();
  }

 private:
  absl::Status Connect();
  // True if a queue has taken it.
  absl::StatusOr<bool> TryPublish(const Ledger::Entry& entry, std::string_view body,
                                  std::string_view reason);
  absl::StatusOr<bool> AwaitConfirmation();

  const AmqpConfig config_;
  const transport::Guard guard_;
  Clock* const clock_;
  std::unique_ptr<Connection> connection_;
  absl::Status failure_;
};

}  // namespace convoy::broker::amqp

// Messages to people about endpoints in trouble: posted to the chat URLs of the endpoint, and
// e-mailed to its support address. They are kept in memory only: what a closing process has not
// sent is lost, while meta events and the endpoint's status are durable.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/model.h"
#include "convoy/observer.h"
#include "convoy/options.h"
#include "convoy/transport.h"

namespace convoy::dispatch {

// Bound of the messages that wait; beyond it further ones are dropped, and told to the log.
inline constexpr size_t kNoticesMax = 1000;
// Bound of the subscriptions whose failures are counted.
inline constexpr size_t kAlertsMax = 4096;

class Notifier {
 public:
  // All must outlive it, and the transport's completions must have run before it goes.
  Notifier(const GatewayOptions& options, Transport* transport, Clock* clock, Observer* observer)
      : options_(options), transport_(*transport), clock_(*clock), observer_(*observer) {}

  // From any thread.
  void TellDisabled(const Project& project, const Endpoint& endpoint) ABSL_LOCKS_EXCLUDED(mutex_);

  // The rest only from the thread that steps the dispatcher. Instants are of the steady clock.

  // A failed attempt for the subscription: tells of it if it is the one that makes up its alert.
  void OnFailure(const Project& project, const Endpoint& endpoint, const Subscription& subscription,
                 std::string_view error, absl::Time now);
  // Sends what is due. Returns when to step again at the latest.
  absl::Time Step(absl::Time now);

 private:
  // One message to one recipient.
  struct Message {
    std::string endpoint_id;
    std::string_view way;  // "webhook" or "e-mail"
    OutgoingRequest request;
    int tries_count = 0;
    absl::Time due_at = absl::InfinitePast();
  };
  // Failed attempts of a subscription, the latest ones.
  struct Failures {
    std::deque<absl::Time> at;
    absl::Time told_at = absl::InfinitePast();
  };

  void Add(const Endpoint& endpoint, std::string_view subject, std::string_view text)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Send(std::shared_ptr<Message> message);
  void OnSent(std::shared_ptr<Message> message, const TransportResult& result);

  const GatewayOptions& options_;
  Transport& transport_;
  Clock& clock_;
  Observer& observer_;

  absl::flat_hash_map<std::string, Failures> failures_;  // by subscriptions
  absl::flat_hash_set<std::string> sending_to_;          // endpoints whose message is on its way

  absl::Mutex mutex_;
  std::deque<std::shared_ptr<Message>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// The message as an e-mail: headers and text in the form of RFC 5322, with every character that is
// not plain ASCII encoded, so that no name of an endpoint can add a header.
std::string MailTextOf(std::string_view from, std::string_view to, std::string_view subject,
                       std::string_view text, absl::Time now);

// Whether it is an address that may stand in an SMTP command.
bool IsMailAddress(std::string_view text);

}  // namespace convoy::dispatch

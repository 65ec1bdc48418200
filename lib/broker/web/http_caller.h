// HTTP calls for an adapter that reads a broker over HTTP: owns a transport and drives it on the
// thread that waits. A call continues between waits, so a long poll, with messages possibly on
// their way, survives a caller's shorter patience.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/broker.h"
#include "convoy/transport.h"

namespace convoy::broker {

struct HttpCall {
  std::optional<TransportResult> result;  // once it is over
};

// Used by one thread at a time, except Interrupt.
class HttpCaller {
 public:
  // Effect of Interrupt on waits: reading ends at once, while an acknowledgement, which saves a
  // message from redelivery, is given a moment.
  enum class OnInterrupt : uint8_t { kReturn, kHurry };

  // kInvalidArgument for networks that are none.
  static absl::StatusOr<std::unique_ptr<HttpCaller>> Open(const BrokerEnvironment& env);
  ~HttpCaller();
  HttpCaller(const HttpCaller&) = delete;
  HttpCaller& operator=(const HttpCaller&) = delete;

  // Starts a call. It ends at the request's timeout at the latest, as far as waits let it.
  std::shared_ptr<const HttpCall> Start(OutgoingRequest request);

  // Works on all calls until `is_done`, which is asked after each step; false if patience was over
  // or an interrupt came before. A kReturn wait takes the interrupt; a kHurry wait leaves it to the
  // next kReturn one.
  bool Wait(const std::function<bool()>& is_done, absl::Duration patience,
            OnInterrupt on_interrupt);

  // A kReturn wait for nothing but that time; false if the deadline or an interrupt came first. No
  // longer than kPauseMax: a time that is further away was named before the clock was set back.
  static constexpr absl::Duration kPauseMax = absl::Seconds(1);
  bool Pause(absl::Time until, absl::Time deadline);

  void Interrupt();

 private:
  HttpCaller(Clock* clock, std::unique_ptr<Transport> transport, int interrupt_fd);

  Clock* const clock_;
  const std::unique_ptr<Transport> transport_;
  const int interrupt_fd_;
};

// Describes an exchange that brought no response: a code of broker.h, and one line.
absl::Status TransportFailure(const TransportResult& result);

// The first line of what a server says, clipped, fit for an error message.
std::string OneLine(std::string_view text);

}  // namespace convoy::broker

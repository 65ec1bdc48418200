// HTTP calls on the waiting thread; see http_caller.h.
#include "lib/broker/web/http_caller.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "convoy/gateway.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"

namespace convoy::broker {
namespace {

constexpr uint32_t kConnectionsMax = 8;
constexpr absl::Duration kHurry = absl::Seconds(2);

int PollTimeoutMs(absl::Duration left) {
  constexpr absl::Duration kLongest = absl::Minutes(1);  // then it is simply asked again
  const absl::Duration bounded = std::clamp(left, absl::ZeroDuration(), kLongest);
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(bounded, absl::Milliseconds(1))));
}

}  // namespace

HttpCaller::HttpCaller(Clock* clock, std::unique_ptr<Transport> transport, int interrupt_fd)
    : clock_(clock), transport_(std::move(transport)), interrupt_fd_(interrupt_fd) {}

absl::StatusOr<std::unique_ptr<HttpCaller>> HttpCaller::Open(const BrokerEnvironment& env) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<Transport> transport,
                          NewCurlTransport({.allowed_networks = env.allowed_networks,
                                            .connections_max = kConnectionsMax}));
  const int interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupt_fd < 0) return absl::ErrnoToStatus(errno, "cannot create an eventfd");
  return absl::WrapUnique(new HttpCaller(env.clock, std::move(transport), interrupt_fd));
}

HttpCaller::~HttpCaller() { close(interrupt_fd_); }

std::shared_ptr<const HttpCall> HttpCaller::Start(OutgoingRequest request) {
  auto call = std::make_shared<HttpCall>();
  transport_->Send(std::move(request),
                   [call](TransportResult result) { call->result = std::move(result); });
  return call;
}

bool HttpCaller::Wait(const std::function<bool()>& is_done, absl::Duration patience,
                      OnInterrupt on_interrupt) {
  absl::Time deadline = clock_->Now() + patience;
  bool is_watching = true;
  while (true) {
    transport_->Step();
    if (is_done()) return true;
    const absl::Duration left = deadline - clock_->Now();
    if (left <= absl::ZeroDuration()) return false;
    pollfd descriptors[] = {{.fd = transport_->wake_fd(), .events = POLLIN, .revents = 0},
                            {.fd = interrupt_fd_, .events = POLLIN, .revents = 0}};
    poll(descriptors, is_watching ? 2 : 1, PollTimeoutMs(left));
    if (descriptors[1].revents == 0) continue;
    if (on_interrupt == OnInterrupt::kReturn) {
      uint64_t count = 0;
      [[maybe_unused]] const ssize_t size = read(interrupt_fd_, &count, sizeof count);
      return false;
    }
    is_watching = false;
    deadline = std::min(deadline, clock_->Now() + kHurry);
  }
}

bool HttpCaller::Pause(absl::Time until, absl::Time deadline) {
  const absl::Time begin = clock_->Now();
  until = std::min(until, begin + kPauseMax);
  if (begin >= until) return true;
  Wait([] { return false; }, std::min(until, deadline) - begin, OnInterrupt::kReturn);
  return clock_->Now() >= until;
}

void HttpCaller::Interrupt() {
  const uint64_t one = 1;
  // Can only fail when the counter is full, and then it is readable anyway.
  [[maybe_unused]] const ssize_t written = write(interrupt_fd_, &one, sizeof one);
}

absl::Status TransportFailure(const TransportResult& result) {
  switch (result.outcome) {
    case TransportOutcome::kDeniedAddress:
      return absl::PermissionDeniedError(
          "the broker's address is not among the networks that are allowed");
    case TransportOutcome::kInvalidUrl:
      return absl::InvalidArgumentError(absl::StrCat("endpoint: ", result.error));
    case TransportOutcome::kNameNotResolved:
      return absl::UnavailableError("the broker's host name cannot be resolved");
    case TransportOutcome::kTlsFailed:
      return absl::UnavailableError(
          absl::StrCat("no secure connection to the broker: ", result.error));
    case TransportOutcome::kResponseTooLarge:
      return absl::ResourceExhaustedError("the broker's answer is too large");
    default:
      return absl::UnavailableError(absl::StrCat("the broker is away: ", result.error));
  }
}

std::string OneLine(std::string_view text) {
  constexpr size_t kBytesMax = 200;
  text = text.substr(0, text.find_first_of("\r\n"));
  if (text.size() > kBytesMax) {
    text = text.substr(0, kBytesMax);
    while (!text.empty() && !base::IsValidUtf8(text)) text.remove_suffix(1);
  }
  if (!base::IsValidUtf8(text)) return "";
  std::string line(absl::StripAsciiWhitespace(text));
  std::replace_if(line.begin(), line.end(), absl::ascii_iscntrl, ' ');
  return line;
}

}  // namespace convoy::broker

// The default transport: libcurl's multi interface driven by its sockets. One epoll descriptor
// holds them and a timer, so the owner waits for a single descriptor and a step touches only what
// is ready.
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <fstream>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <curl/curl.h>

#include "convoy/gateway.h"
#include "convoy/transport.h"
#include "lib/transport/curl/authorities.h"
#include "lib/transport/curl/begin_window.h"
#include "lib/transport/curl/exchange.h"
#include "lib/transport/curl/lazy_timer.h"
#include "lib/transport/curl/mail_sender.h"
#include "lib/transport/curl/socket_watch.h"
#include "lib/transport/guard.h"

namespace convoy {
namespace {

using transport::Exchange;
using transport::Guard;
using transport::LazyTimer;

// A timer that is served so much later than it was due tells of a process that stood still.
constexpr int64_t kStandstillMs = 20;
// Requests that begin between two looks at the sockets.
constexpr int kBeginsInRound = 8;

// libcurl has global state that must be set up once in a process; it is never torn down, because
// another user of libcurl may be in the same process.
bool InitialiseCurl() {
  static std::once_flag once;
  static CURLcode code = CURLE_FAILED_INIT;
  std::call_once(once, [] { code = curl_global_init(CURL_GLOBAL_DEFAULT); });
  return code == CURLE_OK;
}

class CurlTransport final : public Transport {
 public:
  static absl::StatusOr<std::unique_ptr<CurlTransport>> Open(Exchange::Setting setting,
                                                             uint32_t connections_max);
  ~CurlTransport() override;

  std::string_view name() const override { return "curl"; }
  void Send(OutgoingRequest request, SendCompletion done) override;
  void Step() override;
  int wake_fd() const override { return epoll_fd_; }
  void Cancel() override;

 private:
  CurlTransport(Exchange::Setting setting, CURLM* multi, int epoll_fd)
      : setting_(std::move(setting)),
        multi_(multi),
        epoll_fd_(epoll_fd),
        sockets_(epoll_fd),
        mails_(std::make_unique<transport::MailSender>(multi, setting_.ca_file)) {}

  static int OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int OnTimer(CURLM*, long timeout_ms, void* self);
  // Tells libcurl about the sockets that are ready. False if more of them may be.
  bool ServeSockets();

  bool CanBegin() const;
  void BeginSome();
  void Begin(OutgoingRequest request, SendCompletion done);
  std::unique_ptr<Exchange> TakeExchange();
  void Refuse(SendCompletion done, TransportResult result);
  // Hands out what is finished. Completions may send again.
  void Complete();
  void Finish(Exchange* exchange, CURLcode code);
  // Takes in the answers that have come before it ends those that are late.
  void ReadFirst();

  const Exchange::Setting setting_;
  CURLM* const multi_;
  const int epoll_fd_;
  transport::SocketWatch sockets_;
  transport::Connections connections_{&sockets_};
  transport::CredentialCache credentials_;
  transport::UrlFactsCache url_facts_{&setting_.guard, !setting_.proxy.empty()};
  LazyTimer timer_;  // of libcurl's next instant
  transport::BeginWindow window_;
  std::unique_ptr<transport::MailSender> mails_;
  bool is_stepping_ = false;
  absl::flat_hash_set<Exchange*> running_;  // owned; libcurl holds them, too
  std::vector<std::unique_ptr<Exchange>> idle_;
  std::deque<std::pair<OutgoingRequest, SendCompletion>> waiting_;  // to begin
  std::deque<std::pair<SendCompletion, TransportResult>> refused_;  // to be told in the next step
};

absl::StatusOr<std::unique_ptr<CurlTransport>> CurlTransport::Open(Exchange::Setting setting,
                                                                   uint32_t connections_max) {
  if (!InitialiseCurl()) return absl::InternalError("libcurl cannot be initialised");
  CURLM* const multi = curl_multi_init();
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  auto transport = absl::WrapUnique(new CurlTransport(std::move(setting), multi, epoll_fd));
  if (multi == nullptr || epoll_fd < 0 || !transport->timer_.is_open()) {
    return absl::ErrnoToStatus(errno, "cannot set up the transport");
  }
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = transport->timer_.fd();
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) != 0) {
    return absl::ErrnoToStatus(errno, "cannot watch the timer");
  }
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &CurlTransport::OnSocket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transport.get());
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &CurlTransport::OnTimer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transport.get());
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(connections_max));
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(connections_max));
  return transport;
}

CurlTransport::~CurlTransport() {
  for (Exchange* exchange : running_) {
    curl_multi_remove_handle(multi_, exchange->handle());
    delete exchange;
  }
  idle_.clear();
  mails_.reset();
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

void CurlTransport::Send(OutgoingRequest request, SendCompletion done) {
  waiting_.emplace_back(std::move(request), std::move(done));
  timer_.SetNow();
  if (!is_stepping_) timer_.Arm();
}

bool CurlTransport::CanBegin() const {
  return !waiting_.empty() && window_.has_room(transport::MonotonicNanoseconds());
}

void CurlTransport::BeginSome() {
  for (int count = 0; count < kBeginsInRound && CanBegin(); ++count) {
    auto [request, done] = std::move(waiting_.front());
    waiting_.pop_front();
    Begin(std::move(request), std::move(done));
  }
}

void CurlTransport::Begin(OutgoingRequest request, SendCompletion done) {
  if (request.mail != nullptr) {
    TransportResult refusal;
    if (!mails_->Start(request, done, &refusal)) Refuse(std::move(done), std::move(refusal));
    return;
  }
  std::unique_ptr<Exchange> exchange = TakeExchange();
  if (exchange == nullptr) {
    return Refuse(std::move(done), {.outcome = TransportOutcome::kLocalFailure,
                                    .error = "no memory for another request"});
  }
  TransportResult refusal;
  if (!exchange->Prepare(std::move(request), std::move(done), &refusal)) {
    Refuse(exchange->TakeCompletion(), std::move(refusal));
    idle_.push_back(std::move(exchange));
    return;
  }
  if (curl_multi_add_handle(multi_, exchange->handle()) != CURLM_OK) {
    return Refuse(exchange->TakeCompletion(), {.outcome = TransportOutcome::kLocalFailure,
                                               .error = "the request cannot be started"});
  }
  exchange->set_ticket(window_.OnBegin(transport::MonotonicNanoseconds()));
  running_.insert(exchange.release());
}

std::unique_ptr<Exchange> CurlTransport::TakeExchange() {
  if (idle_.empty()) return Exchange::New(&setting_, &connections_, &credentials_, &url_facts_);
  std::unique_ptr<Exchange> exchange = std::move(idle_.back());
  idle_.pop_back();
  return exchange;
}

void CurlTransport::Refuse(SendCompletion done, TransportResult result) {
  result.may_have_arrived = false;
  refused_.emplace_back(std::move(done), std::move(result));
  timer_.SetNow();  // a completion is due
  if (!is_stepping_) timer_.Arm();
}

void CurlTransport::Step() {
  // Receivers that always have something to say must not keep the owner from its other work: what
  // is left over makes the descriptor readable again.
  constexpr int kRoundsMax = 16;
  is_stepping_ = true;
  // This process stood still: answers may have come in time that it has not read.
  if (timer_.is_overdue(kStandstillMs)) ReadFirst();
  bool is_idle = false;
  for (int round = 0; round < kRoundsMax && !is_idle; ++round) {
    BeginSome();
    is_idle = ServeSockets();
    if (timer_.TakeDue()) {
      int running_count = 0;
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running_count);
    }
    Complete();
    // Requests that a completion sent begin at once.
    is_idle = is_idle && !CanBegin() && !timer_.is_due();
  }
  is_stepping_ = false;
  if (!refused_.empty()) timer_.SetNow();
  timer_.Arm(waiting_.empty() ? LazyTimer::kNever : window_.opens_at_ns());
}

// libcurl looks at the time before it looks at the socket.
void CurlTransport::ReadFirst() {
  std::vector<Exchange*> late;
  for (Exchange* exchange : running_) {
    if (exchange->is_overdue() && exchange->SuspendTimeout()) late.push_back(exchange);
  }
  if (late.empty()) return;
  constexpr int kRoundsMax = 64;
  for (int round = 0; round < kRoundsMax && !ServeSockets(); ++round) continue;
  Complete();
  for (Exchange* exchange : late) {
    // It has ended, or is that of another request by now.
    if (!running_.contains(exchange) || !exchange->is_overdue()) continue;
    exchange->ResumeTimeout();
    curl_multi_remove_handle(multi_, exchange->handle());
    Finish(exchange, CURLE_OPERATION_TIMEDOUT);
  }
}

bool CurlTransport::ServeSockets() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_fd_, events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.fd == timer_.fd()) {
      timer_.Disarm();
      continue;
    }
    if (!sockets_.TakeEvent(events[i].data.fd)) continue;
    const uint32_t ready = events[i].events;
    const int actions = ((ready & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                        ((ready & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                        ((ready & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    int running_count = 0;
    curl_multi_socket_action(multi_, events[i].data.fd, actions, &running_count);
  }
  return count < static_cast<int>(events.size());
}

void CurlTransport::Complete() {
  while (!refused_.empty()) {
    auto [done, result] = std::move(refused_.front());
    refused_.pop_front();
    done(std::move(result));
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    if (CURL* const handle = message->easy_handle; mails_->Has(handle)) {
      curl_multi_remove_handle(multi_, handle);
      mails_->Finish(handle, code);
      continue;
    }
    Exchange* finished = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &finished);
    curl_multi_remove_handle(multi_, finished->handle());
    if (finished->ShouldRunAgain(code) &&
        curl_multi_add_handle(multi_, finished->handle()) == CURLM_OK) {
      continue;
    }
    Finish(finished, code);
  }
}

void CurlTransport::Finish(Exchange* exchange, CURLcode code) {
  running_.erase(exchange);
  window_.OnEnd(exchange->ticket());
  TransportResult result = exchange->TakeResult(code);
  const SendCompletion done = exchange->TakeCompletion();
  idle_.emplace_back(exchange);
  done(std::move(result));
}

void CurlTransport::Cancel() {
  const std::vector<Exchange*> cancelled(running_.begin(), running_.end());
  running_.clear();
  for (Exchange* exchange : cancelled) {
    window_.OnEnd(exchange->ticket());
    curl_multi_remove_handle(multi_, exchange->handle());
    const SendCompletion done = exchange->TakeCompletion();
    TransportResult result = exchange->Cancel();
    delete exchange;
    done(std::move(result));
  }
  mails_->Cancel();
  auto refused = std::move(refused_);
  refused_.clear();
  for (auto& [done, result] : refused) done(std::move(result));
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [request, done] : waiting) {
    done({.outcome = TransportOutcome::kCancelled,
          .error = "cancelled before it began",
          .may_have_arrived = false});
  }
}

int CurlTransport::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  uint32_t events = 0;  // of CURL_POLL_REMOVE
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
  static_cast<CurlTransport*>(self)->sockets_.Want(socket, events);
  return 0;
}

int CurlTransport::OnTimer(CURLM*, long timeout_ms, void* self) {
  auto* transport = static_cast<CurlTransport*>(self);
  LazyTimer& timer = transport->timer_;
  if (timeout_ms < 0) {
    timer.Unset();
  } else if (timeout_ms == 0) {
    timer.SetNow();
  } else {
    timer.SetIn(timeout_ms);
  }
  if (!transport->is_stepping_) timer.Arm();
  return 0;
}

// With socks5 names would be resolved here, where the guard does not see what they become.
bool IsProxy(const std::string& text) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  if (url == nullptr || text.find("://") == std::string::npos ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return false;
  }
  char* scheme = nullptr;
  if (curl_url_get(url.get(), CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) return false;
  const std::string_view name = scheme;
  const bool is_known = name == "http" || name == "https" || name == "socks5h";
  curl_free(scheme);
  return is_known;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> NewCurlTransport(const CurlTransportOptions& options) {
  absl::StatusOr<Guard> guard = Guard::Parse(options.allowed_networks);
  if (!guard.ok()) return std::move(guard).status();
  if (!options.ca_file.empty() && std::ifstream(options.ca_file).peek() == EOF) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate authorities in '", options.ca_file, "' cannot be read"));
  }
  if (!options.proxy.empty() && !IsProxy(options.proxy)) {
    return absl::InvalidArgumentError(
        "delivery_proxy must be a URL of http, https or socks5h with a host, such as "
        "http://proxy.example.com:3128");
  }
  auto opened = CurlTransport::Open(
      {.guard = *std::move(guard),
       .ca_file = options.ca_file.empty() ? transport::FindAuthorities() : options.ca_file,
       .connection_idle_max = options.connection_idle_max,
       .connection_age_max = options.connection_age_max,
       .name_age_max = options.name_age_max,
       .proxy = options.proxy,
       .has_http2 = options.has_http2},
      options.connections_max);
  if (!opened.ok()) return opened.status();
  return std::unique_ptr<Transport>(*std::move(opened));
}

}  // namespace convoy

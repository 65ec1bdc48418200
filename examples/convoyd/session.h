// One connection: requests are read, given to the gateway and answered, one after the other.
//
// A session lives on the thread of its worker; nothing of it is touched elsewhere. The gateway may
// answer on another thread; the answer is posted back.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "convoy/gateway.h"
#include "examples/convoyd/connection_table.h"
#include "examples/convoyd/framing.h"

namespace convoyd {

using Tcp = boost::asio::ip::tcp;
using PlainStream = Tcp::socket;
using TlsStream = boost::asio::ssl::stream<Tcp::socket>;
using SteadyTime = std::chrono::steady_clock::time_point;

class SessionBase;

// A session's view of its worker. Called on the worker's thread.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual void RemoveSession(SessionBase* session) = 0;
  virtual bool is_draining() const = 0;
  // A request has been refused by the server itself; `why` is for the log, empty if the gateway
  // has told it.
  virtual void CountRefusal(int status, std::string_view why) = 0;
  // Adds what the server counts to the gateway's answer to GET /metrics.
  virtual void AddMetrics(convoy::HttpResponse& response) const = 0;
};

struct SessionOptions {
  FramingLimits framing;
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds read_timeout{120'000};
  std::chrono::milliseconds idle_timeout{75'000};
  uint32_t rate_bytes_per_s_min = 1024;
};

// A worker's view of its sessions.
class SessionBase {
 public:
  virtual ~SessionBase() = default;

  virtual void Start() = 0;
  // Ends what takes too long.
  virtual void CheckDeadline(SteadyTime now) = 0;
  // Closes it if no request is under way; otherwise its next answer will be the last.
  virtual void Drain() = 0;
  // Closes it now.
  virtual void Close() = 0;
  // Closes it if it still has nothing to do.
  virtual void Evict() = 0;
  // Expects no answer of the gateway any more, which has been destroyed.
  virtual void Forget() = 0;
};

template <typename Stream>
class Session final : public SessionBase,
                      public std::enable_shared_from_this<Session<Stream>>,
                      private BodyMemory {
 public:
  // All must outlive the session, and the gateway must be closed before the session's worker ends.
  // Without a `place` the connection is one too many: it is told so, and closed.
  Session(Stream stream, SessionOwner* owner, convoy::Gateway* gateway,
          const SessionOptions& options, std::unique_ptr<ConnectionPlace> place);

  void Start() override;
  void CheckDeadline(SteadyTime now) override;
  void Drain() override;
  void Close() override;
  void Evict() override;
  void Forget() override { self_.reset(); }

 private:
  enum class Step {
    kHandshaking,
    kIdle,
    kReadingHead,
    kReadingBody,
    kAsking,
    kAnswering,
    kLingering,
    kClosed,
  };

  bool Grow(uint64_t held, uint64_t wanted) override { return place_->Grow(held, wanted); }

  void Enter(Step step, std::chrono::milliseconds timeout);
  ConnectionPhase PhaseOf(Step step) const;
  // Bodies and answers must go on at a least rate, which is looked at in spans of time.
  void StartRate(SteadyTime now, std::chrono::seconds span);
  bool IsTooSlow(SteadyTime now);

  void Begin();
  void AwaitRequest();
  void Read();
  void OnRead(boost::system::error_code error, size_t size);
  // Feeds the parser with what has been read. Decides what comes next.
  void Parse();
  // Looks at the head; false if that was the end of the request.
  bool AcceptHead();
  void ContinueIfExpected();
  void Ask();
  // Answers a request that cannot be read to its end, and closes the connection.
  void Refuse(int status, std::string_view text);
  void Answer(convoy::HttpResponse response);
  void Write();
  void OnAnswered();
  // Lets the peer read the answer before the connection is torn down: closing with unread input
  // would reset it.
  void Linger();
  convoy::HttpRequest MakeRequest() const;

  Stream stream_;
  SessionOwner* const owner_;
  convoy::Gateway* const gateway_;
  const SessionOptions options_;
  std::unique_ptr<ConnectionPlace> place_;
  std::string remote_ip_;

  Step step_ = Step::kIdle;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime request_deadline_ = SteadyTime::max();  // for the whole request to arrive
  SteadyTime span_end_ = SteadyTime::max();
  uint64_t span_bytes_ = 0;
  std::chrono::seconds span_{0};
  // Held while the gateway has the request, so that only this thread ever ends the session.
  std::shared_ptr<SessionBase> self_;

  std::vector<char> buffer_;  // small while there is no request
  std::string_view unread_;   // of the buffer
  bool is_reading_ = false;
  std::optional<RequestParser> parser_;
  bool is_kept_ = false;
  bool has_answered_ = false;  // any request of the connection

  // Of the present request; views into the parser.
  std::string_view path_;
  std::string_view query_;

  // The answer on its way out, and how much of head and body has gone.
  std::string head_;
  std::string body_;
  size_t written_ = 0;
};

extern template class Session<PlainStream>;
extern template class Session<TlsStream>;

}  // namespace convoyd

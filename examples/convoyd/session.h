// One connection: requests are read, given to the gateway and answered, one after the other.
//
// A session lives on the thread of its worker; nothing of it is touched elsewhere. The gateway may
// answer on another thread; the answer is posted back.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "convoy/gateway.h"

#define BOOST_BEAST_USE_STD_STRING_VIEW
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace convoyd {

using Tcp = boost::asio::ip::tcp;
using PlainStream = Tcp::socket;
using TlsStream = boost::asio::ssl::stream<Tcp::socket>;
using SteadyTime = std::chrono::steady_clock::time_point;

class SessionBase;

// What a session needs of its worker. Called on the worker's thread.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual void RemoveSession(SessionBase* session) = 0;
  virtual bool is_draining() const = 0;
};

struct SessionOptions {
  uint32_t head_bytes_max = 32 * 1024;
  std::chrono::milliseconds read_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};
};

// What a worker knows of its sessions.
class SessionBase {
 public:
  virtual ~SessionBase() = default;

  // Closes the connection if the time for its present step is over.
  virtual void CheckDeadline(SteadyTime now) = 0;
  // Closes it if no request is under way; otherwise its next answer will be the last.
  virtual void Drain() = 0;
  // Closes it now.
  virtual void Close() = 0;
  // Expects no answer of the gateway any more, which has been destroyed.
  virtual void Forget() = 0;
};

template <typename Stream>
class Session final : public SessionBase, public std::enable_shared_from_this<Session<Stream>> {
 public:
  // All must outlive the session, and the gateway must be closed before the session's worker ends.
  Session(Stream stream, SessionOwner* owner, convoy::Gateway* gateway,
          const SessionOptions& options);

  void Start();
  void CheckDeadline(SteadyTime now) override;
  void Drain() override;
  void Close() override;
  void Forget() override { self_.reset(); }

 private:
  enum class Step { kHandshaking, kIdle, kReading, kAnswering, kLingering, kClosed };
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  void Enter(Step step, std::chrono::milliseconds timeout);
  void AwaitRequest();
  void Read();
  void OnRead(boost::system::error_code error, size_t size);
  // Feeds the parser with what has been read. Decides what comes next.
  void Parse();
  // Looks at the head; false if that was the end of the request.
  bool AcceptHead();
  void ContinueIfExpected();
  void Ask();
  void Answer(convoy::HttpResponse response);
  void OnAnswered(boost::system::error_code error);
  // Lets the peer read the answer before the connection is torn down: closing with unread input
  // would reset it.
  void Linger();
  void Discard();
  convoy::HttpRequest MakeRequest() const;

  Stream stream_;
  SessionOwner* const owner_;
  convoy::Gateway* const gateway_;
  const SessionOptions options_;
  std::string remote_ip_;

  Step step_ = Step::kIdle;
  SteadyTime deadline_ = SteadyTime::max();
  // Held while the gateway has the request, so that only this thread ever ends the session.
  std::shared_ptr<SessionBase> self_;

  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  bool is_head_accepted_ = false;
  bool is_kept_ = false;

  // Of the present request; views into the parser.
  std::string_view path_;
  std::string_view query_;
  std::vector<convoy::HeaderView> headers_;

  // The answer on its way out.
  std::string head_;
  std::string body_;
};

extern template class Session<PlainStream>;
extern template class Session<TlsStream>;

}  // namespace convoyd

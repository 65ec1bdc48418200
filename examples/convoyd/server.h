// The listening socket and the threads that serve its connections.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "convoy/gateway.h"
#include "examples/convoyd/session.h"

namespace convoyd {

// One thread and the connections that live on it. `on_session_end` runs on that thread.
class Worker final : public SessionOwner {
 public:
  explicit Worker(std::function<void()> on_session_end);
  ~Worker() override;

  boost::asio::io_context& context() { return context_; }
  void Start();
  // On the worker's thread: takes over `session`.
  void AddSession(std::shared_ptr<SessionBase> session);
  // From any thread.
  void Drain();
  void Stop();

  void RemoveSession(SessionBase* session) override;
  bool is_draining() const override { return is_draining_; }

 private:
  void Tick();
  // For loops in which sessions leave sessions_.
  std::vector<std::shared_ptr<SessionBase>> CopySessions() const;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  const std::function<void()> on_session_end_;
  std::unordered_map<SessionBase*, std::shared_ptr<SessionBase>> sessions_;
  std::vector<std::shared_ptr<SessionBase>> stopped_sessions_;
  bool is_draining_ = false;
  std::thread thread_;
};

struct ServerOptions {
  std::string address;
  uint16_t port = 0;
  uint32_t workers = 1;
  uint32_t connections_max = 10'000;
  std::string tls_cert;  // empty: plain HTTP
  std::string tls_key;
  SessionOptions session;
};

// Life: Listen → Start → Drain → Stop. The gateway must be closed between Drain and Stop at the
// latest, and destroyed before the server.
class Server {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Listen(const ServerOptions& options);
  ~Server();

  // "127.0.0.1:5005", with the port that was chosen.
  std::string address() const;

  void Start(convoy::Gateway* gateway);
  // Accepts no more and closes connections as soon as they have no request under way.
  void Drain();
  // Waits until every connection has ended, at most until `deadline`; then closes what is left.
  void Stop(std::chrono::steady_clock::time_point deadline);

 private:
  explicit Server(const ServerOptions& options);

  absl::Status LoadCertificate();
  absl::Status Bind();
  // These run on the first worker's thread.
  void Accept();
  void OnAccept(boost::system::error_code error, Worker* worker, Tcp::socket socket);
  void OnSessionEnd();  // on any worker's thread

  const ServerOptions options_;
  std::optional<boost::asio::ssl::context> tls_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<Tcp::acceptor> acceptor_;
  std::optional<boost::asio::steady_timer> retry_timer_;
  convoy::Gateway* gateway_ = nullptr;

  std::atomic<uint32_t> connections_count_ = 0;
  std::atomic<bool> is_accepting_paused_ = false;
  size_t next_worker_ = 0;
  bool is_stopped_ = false;
};

}  // namespace convoyd

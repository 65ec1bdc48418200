// The listening socket and the threads that serve its connections.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>
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
#include "convoy/observer.h"
#include "examples/convoyd/connection_table.h"
#include "examples/convoyd/session.h"

namespace convoyd {

class Server;

// One thread and the connections that live on it.
class Worker final : public SessionOwner {
 public:
  explicit Worker(Server* server);
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
  void CountRefusal(int status, std::string_view why) override;
  void AddMetrics(convoy::HttpResponse& response) const override;

 private:
  void Tick();
  // For loops in which sessions leave sessions_.
  std::vector<std::shared_ptr<SessionBase>> CopySessions() const;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  Server* const server_;
  std::unordered_map<SessionBase*, std::shared_ptr<SessionBase>> sessions_;
  std::vector<std::shared_ptr<SessionBase>> stopped_sessions_;
  bool is_draining_ = false;
  std::thread thread_;
};

// The answers that the server itself gives, by which it counts them.
inline constexpr int kRefusalStatuses[] = {400, 408, 413, 414, 431, 503, 505};

struct ServerOptions {
  std::string address;
  uint16_t port = 0;
  uint32_t workers = 1;
  ConnectionLimits limits;
  std::string tls_cert;  // empty: plain HTTP
  std::string tls_key;
  SessionOptions session;
  convoy::Observer* observer = nullptr;  // may be null; must outlive the server
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
  // The process or the system has no descriptor left for a connection that waits.
  void OnNoDescriptor();
  void AddConnection(Worker* worker, Tcp::socket socket);
  // These run on any worker's thread.
  friend class Worker;
  void OnSessionEnd() { --connections_count_; }
  void CountRefusal(int status, std::string_view why);
  // One line for a status in a minute; how many came meanwhile is in the next one.
  void LogRefusal(size_t index, uint64_t count, std::string_view why);
  void AddMetrics(convoy::HttpResponse& response) const;

  const ServerOptions options_;
  std::optional<boost::asio::ssl::context> tls_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<Tcp::acceptor> acceptor_;
  std::optional<boost::asio::steady_timer> retry_timer_;
  convoy::Gateway* gateway_ = nullptr;

  ConnectionTable table_;
  std::atomic<uint32_t> connections_count_ = 0;  // those that are being told to go included
  std::array<std::atomic<uint64_t>, std::size(kRefusalStatuses)> refusals_{};
  // When and up to which one they were told of.
  std::array<std::atomic<int64_t>, std::size(kRefusalStatuses)> told_at_s_{};
  std::array<std::atomic<uint64_t>, std::size(kRefusalStatuses)> told_counts_{};
  std::atomic<uint64_t> no_descriptor_total_ = 0;
  int reserve_fd_ = -1;  // let go to accept a connection when there is no other
  size_t next_worker_ = 0;
  bool is_stopped_ = false;
};

}  // namespace convoyd

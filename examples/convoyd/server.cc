// Accepts on the first worker's thread and deals the connections out in turn. Each worker has one
// thread and an event loop of its own, so a session needs no lock.
#include "examples/convoyd/server.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include <boost/asio/post.hpp>

namespace convoyd {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

// How often deadlines are looked at: their precision, in exchange for no timer in each connection.
constexpr std::chrono::milliseconds kTick{100};
// How long to wait when the system has no descriptors left.
constexpr std::chrono::milliseconds kAcceptRetry{100};

// OpenSSL's own words for a file that is not there say nothing.
absl::Status CheckReadable(const std::string& path) {
  if (std::ifstream(path).good()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("cannot read ", path));
}

absl::Status Failure(std::string_view what, const error_code& error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", error.message()));
}

}  // namespace

// ---- Worker
// --------------------------------------------------------------------------------------

Worker::Worker(std::function<void()> on_session_end)
    : work_(net::make_work_guard(context_)),
      timer_(context_),
      on_session_end_(std::move(on_session_end)) {}

Worker::~Worker() {
  Stop();
  // The gateway is gone by now; what it never answered is let go here.
  for (const auto& session : stopped_sessions_) session->Forget();
}

void Worker::Start() {
  Tick();
  thread_ = std::thread([this] { context_.run(); });
}

void Worker::Tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](error_code error) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    for (const auto& session : CopySessions()) session->CheckDeadline(now);
    Tick();
  });
}

void Worker::AddSession(std::shared_ptr<SessionBase> session) {
  SessionBase* const key = session.get();
  sessions_.emplace(key, std::move(session));
}

std::vector<std::shared_ptr<SessionBase>> Worker::CopySessions() const {
  std::vector<std::shared_ptr<SessionBase>> sessions;
  sessions.reserve(sessions_.size());
  for (const auto& [key, session] : sessions_) sessions.push_back(session);
  return sessions;
}

void Worker::RemoveSession(SessionBase* session) {
  if (sessions_.erase(session) > 0) on_session_end_();
}

void Worker::Drain() {
  net::post(context_, [this] {
    is_draining_ = true;
    for (const auto& session : CopySessions()) session->Drain();
  });
}

void Worker::Stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
  for (auto& session : CopySessions()) {
    session->Close();
    stopped_sessions_.push_back(std::move(session));
  }
}

// ---- Server
// --------------------------------------------------------------------------------------

Server::Server(const ServerOptions& options) : options_(options) {
  for (uint32_t index = 0; index < std::max(options_.workers, 1u); ++index) {
    workers_.push_back(std::make_unique<Worker>([this] { OnSessionEnd(); }));
  }
}

Server::~Server() { Stop(std::chrono::steady_clock::now()); }

absl::StatusOr<std::unique_ptr<Server>> Server::Listen(const ServerOptions& options) {
  std::unique_ptr<Server> server(new Server(options));
  absl::Status status = server->LoadCertificate();
  if (status.ok()) status = server->Bind();
  if (!status.ok()) return status;
  return server;
}

absl::Status Server::LoadCertificate() {
  if (options_.tls_cert.empty()) return absl::OkStatus();
  for (const std::string& path : {options_.tls_cert, options_.tls_key}) {
    if (const absl::Status status = CheckReadable(path); !status.ok()) return status;
  }
  tls_.emplace(net::ssl::context::tls_server);
  error_code error;
  tls_->set_options(net::ssl::context::default_workarounds | net::ssl::context::no_tlsv1 |
                        net::ssl::context::no_tlsv1_1,
                    error);
  if (error) return Failure("cannot set up TLS", error);
  tls_->use_certificate_chain_file(options_.tls_cert, error);
  if (error) return Failure(absl::StrCat("cannot use ", options_.tls_cert), error);
  tls_->use_private_key_file(options_.tls_key, net::ssl::context::pem, error);
  if (error) return Failure(absl::StrCat("cannot use ", options_.tls_key), error);
  return absl::OkStatus();
}

absl::Status Server::Bind() {
  error_code error;
  const auto address = net::ip::make_address(options_.address, error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen needs a numeric address, not '", options_.address, "'"));
  }
  const Tcp::endpoint endpoint(address, options_.port);
  acceptor_.emplace(workers_.front()->context());
  retry_timer_.emplace(workers_.front()->context());
  acceptor_->open(endpoint.protocol(), error);
  if (!error) acceptor_->set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_->bind(endpoint, error);
  if (!error) acceptor_->listen(4096, error);
  if (error) {
    return Failure(absl::StrCat("cannot listen on ", options_.address, ":", options_.port), error);
  }
  return absl::OkStatus();
}

std::string Server::address() const {
  error_code ignored;
  const auto endpoint = acceptor_->local_endpoint(ignored);
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

void Server::Start(convoy::Gateway* gateway) {
  gateway_ = gateway;
  net::post(acceptor_->get_executor(), [this] { Accept(); });
  for (const auto& worker : workers_) worker->Start();
}

void Server::Accept() {
  if (!acceptor_->is_open()) return;
  if (connections_count_ >= options_.connections_max) {
    is_accepting_paused_ = true;
    // One may have ended in between; then nobody else would resume.
    if (connections_count_ >= options_.connections_max) return;
    is_accepting_paused_ = false;
  }
  Worker* const worker = workers_[next_worker_++ % workers_.size()].get();
  acceptor_->async_accept(worker->context(), [this, worker](error_code error, Tcp::socket socket) {
    OnAccept(error, worker, std::move(socket));
  });
}

void Server::OnAccept(error_code error, Worker* worker, Tcp::socket socket) {
  if (error == net::error::operation_aborted) return;
  if (error) {
    retry_timer_->expires_after(kAcceptRetry);
    retry_timer_->async_wait([this](error_code cancelled) {
      if (!cancelled) Accept();
    });
    return;
  }
  ++connections_count_;
  net::post(worker->context(), [this, worker, socket = std::move(socket)]() mutable {
    const auto start = [&](auto session) {
      worker->AddSession(session);
      session->Start();
    };
    if (tls_.has_value()) {
      start(std::make_shared<Session<TlsStream>>(TlsStream(std::move(socket), *tls_), worker,
                                                 gateway_, options_.session));
    } else {
      start(std::make_shared<Session<PlainStream>>(std::move(socket), worker, gateway_,
                                                   options_.session));
    }
  });
  Accept();
}

void Server::OnSessionEnd() {
  --connections_count_;
  if (is_accepting_paused_.exchange(false)) {
    net::post(acceptor_->get_executor(), [this] { Accept(); });
  }
}

void Server::Drain() {
  net::post(acceptor_->get_executor(), [this] {
    error_code ignored;
    acceptor_->close(ignored);
    retry_timer_->cancel(ignored);
  });
  for (const auto& worker : workers_) worker->Drain();
}

void Server::Stop(std::chrono::steady_clock::time_point deadline) {
  if (std::exchange(is_stopped_, true)) return;
  constexpr std::chrono::milliseconds kLook{5};
  while (connections_count_ > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLook);
  }
  for (const auto& worker : workers_) worker->Stop();
}

}  // namespace convoyd

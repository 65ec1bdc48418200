// Acceptor and workers. Accepts on the first worker's thread and deals the connections out in turn.
// Each worker has one thread and an event loop of its own, so a session needs no lock.
#include "examples/convoyd/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <boost/asio/post.hpp>

#include "examples/convoyd/wire.h"

namespace convoyd {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

// How often deadlines are looked at: their precision, in exchange for no timer in each connection.
constexpr std::chrono::milliseconds kTick{100};
// How long to wait when the system has no descriptors left.
constexpr std::chrono::milliseconds kAcceptRetry{20};
// How many connections beyond the limit are told so, at once, before they are closed.
constexpr uint32_t kRefusedMax = 64;

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

Worker::Worker(Server* server)
    : work_(net::make_work_guard(context_)), timer_(context_), server_(server) {}

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
  if (sessions_.erase(session) > 0) server_->OnSessionEnd();
}

void Worker::CountRefusal(int status, std::string_view why) { server_->CountRefusal(status, why); }

void Worker::AddMetrics(convoy::HttpResponse& response) const { server_->AddMetrics(response); }

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

Server::Server(const ServerOptions& options)
    : options_(options),
      table_(options.limits),
      reserve_fd_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  for (uint32_t index = 0; index < std::max(options_.workers, 1u); ++index) {
    workers_.push_back(std::make_unique<Worker>(this));
  }
}

Server::~Server() {
  Stop(std::chrono::steady_clock::now());
  // These run on the context of a worker.
  retry_timer_.reset();
  acceptor_.reset();
  workers_.clear();  // with their sessions, whose places are in the table
  if (reserve_fd_ >= 0) close(reserve_fd_);
}

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
  Worker* const worker = workers_[next_worker_++ % workers_.size()].get();
  acceptor_->async_accept(worker->context(), [this, worker](error_code error, Tcp::socket socket) {
    OnAccept(error, worker, std::move(socket));
  });
}

void Server::OnAccept(error_code error, Worker* worker, Tcp::socket socket) {
  if (error == net::error::operation_aborted) return;
  if (error) {
    if (error == net::error::no_descriptors || error.value() == ENFILE) OnNoDescriptor();
    retry_timer_->expires_after(kAcceptRetry);
    retry_timer_->async_wait([this](error_code cancelled) {
      if (!cancelled) Accept();
    });
    return;
  }
  AddConnection(worker, std::move(socket));
  Accept();
}

void Server::OnNoDescriptor() {
  ++no_descriptor_total_;
  if (table_.EvictOne()) return;
  // All are busy. With the descriptor that is kept for this, the peer is told instead of left to
  // wait: it is closed again at once.
  if (reserve_fd_ < 0) return;
  close(reserve_fd_);
  const int fd =
      accept4(acceptor_->native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    if (!tls_.has_value()) {
      const convoy::HttpResponse response = convoy::Gateway::OverloadedResponse();
      const std::string text = absl::StrCat(ResponseHead(response, false), response.body);
      [[maybe_unused]] const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    }
    close(fd);
    CountRefusal(503, "no descriptor for another connection");
  }
  reserve_fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void Server::AddConnection(Worker* worker, Tcp::socket socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // it has gone already
  std::unique_ptr<ConnectionPlace> place = table_.Reserve(AddressKey(peer.address().to_string()));
  // Those that are told to go have a descriptor, too, until they have gone.
  if (place == nullptr && connections_count_ >= options_.limits.connections_max + kRefusedMax) {
    CountRefusal(503, "no room for another connection");
    return;
  }
  ++connections_count_;
  ConnectionPlace* const admitted = place.get();
  std::shared_ptr<SessionBase> session;
  if (tls_.has_value()) {
    session = std::make_shared<Session<TlsStream>>(TlsStream(std::move(socket), *tls_), worker,
                                                   gateway_, options_.session, std::move(place));
  } else {
    session = std::make_shared<Session<PlainStream>>(std::move(socket), worker, gateway_,
                                                     options_.session, std::move(place));
  }
  if (admitted != nullptr) {
    const std::weak_ptr<SessionBase> weak = session;
    admitted->set_evict([worker, weak] {
      net::post(worker->context(), [weak] {
        if (const auto evicted = weak.lock()) evicted->Evict();
      });
    });
    // From here on it may have to go for the next one, although its worker has not seen it yet.
    admitted->Enter(ConnectionPhase::kNew);
  }
  net::post(worker->context(), [worker, session = std::move(session)] {
    worker->AddSession(session);
    session->Start();
  });
}

void Server::CountRefusal(int status, std::string_view why) {
  const auto* const found =
      std::find(std::begin(kRefusalStatuses), std::end(kRefusalStatuses), status);
  if (found == std::end(kRefusalStatuses)) return;
  const auto index = static_cast<size_t>(found - std::begin(kRefusalStatuses));
  const uint64_t count = ++refusals_[index];
  if (options_.observer != nullptr && !why.empty()) LogRefusal(index, count, why);
}

void Server::LogRefusal(size_t index, uint64_t count, std::string_view why) {
  constexpr int64_t kIntervalSeconds = 60;
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  const int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(since_start).count();
  int64_t told_at_s = told_at_s_[index];
  if (told_at_s != 0 && now_s - told_at_s < kIntervalSeconds) return;
  if (!told_at_s_[index].compare_exchange_strong(told_at_s, now_s)) return;  // another thread tells
  const uint64_t told_count = told_counts_[index].exchange(count);
  const std::string status = absl::StrCat(kRefusalStatuses[index]);
  const std::string untold = absl::StrCat(count > told_count ? count - told_count : 1);
  const convoy::LogField fields[] = {{"status", status}, {"detail", why}, {"count", untold}};
  options_.observer->Log(convoy::LogLevel::kInfo, "request refused by the server", fields);
}

void Server::AddMetrics(convoy::HttpResponse& response) const {
  const ConnectionTable::Counts counts = table_.counts();
  std::string text;
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help) {
    absl::StrAppend(&text, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
  };
  const auto sample = [&](std::string_view name, std::string_view labels, uint64_t value) {
    absl::StrAppend(&text, name, labels, " ", value, "\n");
  };
  // OpenMetrics names a family without the suffix of its samples, and ends with a mark.
  constexpr std::string_view kEnd = "# EOF\n";
  const bool is_open_metrics = absl::EndsWith(response.body, kEnd);
  const auto counter = [&](std::string_view name, std::string_view help) {
    family(is_open_metrics ? name : absl::StrCat(name, "_total"), "counter", help);
  };
  family("convoy_server_connections", "gauge", "Connections that are open.");
  sample("convoy_server_connections", "", counts.connections);
  family("convoy_server_body_memory_bytes", "gauge", "Memory of bodies on their way.");
  sample("convoy_server_body_memory_bytes", "", counts.body_memory_bytes);
  counter("convoy_server_connection_refused", "Connections for which there was no room.");
  constexpr std::string_view kRefused = "convoy_server_connection_refused_total";
  sample(kRefused, "{reason=\"total\"}", counts.refused_total);
  sample(kRefused, "{reason=\"address\"}", counts.refused_for_address_total);
  sample(kRefused, "{reason=\"descriptors\"}", no_descriptor_total_);
  counter("convoy_server_connection_evicted", "Waiting connections closed to make room.");
  sample("convoy_server_connection_evicted_total", "", counts.evicted_total);
  counter("convoy_server_body_memory_refused", "Bodies for which there was no memory.");
  sample("convoy_server_body_memory_refused_total", "", counts.memory_refused_total);
  counter("convoy_server_request_refused", "Requests that the server itself refused.");
  for (size_t index = 0; index < refusals_.size(); ++index) {
    sample("convoy_server_request_refused_total",
           absl::StrCat("{status=\"", kRefusalStatuses[index], "\"}"), refusals_[index]);
  }
  if (is_open_metrics) response.body.resize(response.body.size() - kEnd.size());
  response.body += text;
  if (is_open_metrics) response.body += kEnd;
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

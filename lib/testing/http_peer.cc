// Sockets of the peer. Nothing here waits for longer than the client keeps its connection, and the
// destructor ends every connection.
#include "lib/testing/http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace convoy::testing {
namespace {

// The Content-Length of a head; 0 if it has none.
size_t LengthIn(std::string_view head) {
  const std::string lower = absl::AsciiStrToLower(head);
  const size_t at = lower.find("\r\ncontent-length:");
  if (at == std::string::npos) return 0;
  const size_t begin = lower.find(':', at) + 1;
  const size_t end = std::min(lower.find("\r\n", begin), lower.size());
  size_t length = 0;
  const bool is_number = absl::SimpleAtoi(lower.substr(begin, end - begin), &length);
  return is_number ? length : 0;
}

}  // namespace

bool PeerConnection::Fill() {
  char piece[16 * 1024];
  const ssize_t count = recv(fd_, piece, sizeof piece, 0);
  if (count <= 0) return false;
  unread_.append(piece, static_cast<size_t>(count));
  return true;
}

bool PeerConnection::Read(PeerRequest* request) {
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  size_t head_size = unread_.find(kHeadEnd);
  while (head_size == std::string::npos) {
    if (!Fill()) return false;
    head_size = unread_.find(kHeadEnd);
  }
  request->head = unread_.substr(0, head_size);
  const size_t body_size = LengthIn(request->head);
  unread_.erase(0, head_size + kHeadEnd.size());
  while (unread_.size() < body_size) {
    if (!Fill()) return false;
  }
  request->body = unread_.substr(0, body_size);
  unread_.erase(0, body_size);
  return true;
}

bool PeerConnection::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

void PeerConnection::AwaitEnd() {
  while (Fill()) unread_.clear();
}

HttpPeer::HttpPeer(Behaviour behaviour) : behaviour_(std::move(behaviour)) {
  listening_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listening_fd_ < 0 || bind(listening_fd_, any, size) != 0 || listen(listening_fd_, 64) != 0 ||
      getsockname(listening_fd_, any, &size) != 0) {
    return;
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpPeer::~HttpPeer() {
  std::list<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    is_stopping_ = true;
    for (const int fd : open_fds_) shutdown(fd, SHUT_RDWR);
  }
  if (listening_fd_ >= 0) shutdown(listening_fd_, SHUT_RDWR);
  if (acceptor_.joinable()) acceptor_.join();
  {
    absl::MutexLock lock(&mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  if (listening_fd_ >= 0) close(listening_fd_);
}

void HttpPeer::Accept() {
  while (true) {
    const int fd = accept4(listening_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    absl::MutexLock lock(&mutex_);
    if (is_stopping_) {
      close(fd);
      return;
    }
    open_fds_.push_back(fd);
    threads_.emplace_back([this, fd] {
      PeerConnection connection(fd);
      behaviour_(*this, connection);
      absl::MutexLock ended(&mutex_);
      open_fds_.remove(fd);
      close(fd);
    });
  }
}

std::string HttpPeer::Url(std::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, path);
}

std::vector<PeerRequest> HttpPeer::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

bool HttpPeer::Take(PeerConnection& connection, PeerRequest* request) {
  PeerRequest taken;
  if (!connection.Read(&taken)) return false;
  absl::MutexLock lock(&mutex_);
  requests_.push_back(taken);
  if (request != nullptr) *request = std::move(taken);
  return true;
}

HttpPeer::Behaviour HttpPeer::Answers(std::string response) {
  return [response = std::move(response)](HttpPeer& peer, PeerConnection& connection) {
    while (peer.Take(connection) && connection.Write(response)) continue;
  };
}

}  // namespace convoy::testing

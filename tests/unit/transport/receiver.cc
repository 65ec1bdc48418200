// Receiver of requests on a real socket; see receiver.h.
#include "tests/unit/transport/receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace convoy::testing {
namespace {

size_t ContentLength(std::string_view head) {
  const std::string lower = absl::AsciiStrToLower(head);
  const size_t at = lower.find("\r\ncontent-length:");
  if (at == std::string::npos) return 0;
  const size_t begin = lower.find(':', at) + 1;
  size_t length = 0;
  return absl::SimpleAtoi(lower.substr(begin, lower.find('\r', begin) - begin), &length) ? length
                                                                                         : 0;
}

}  // namespace

bool Peer::Read(ReceivedRequest* request) {
  std::array<char, 64 * 1024> buffer;
  const auto read_more = [&] {
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
    if (size > 0) unread_.append(buffer.data(), static_cast<size_t>(size));
    return size > 0;
  };
  size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more()) return false;
  }
  request->head = unread_.substr(0, end + 4);
  const size_t length = ContentLength(request->head);
  while (unread_.size() < end + 4 + length) {
    if (!read_more()) return false;
  }
  request->body = unread_.substr(end + 4, length);
  unread_.erase(0, end + 4 + length);
  return true;
}

bool Peer::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

std::string Peer::WaitForClose() {
  std::string sent = std::move(unread_);
  std::array<char, 4096> buffer;
  ssize_t size = 0;
  while ((size = recv(fd_, buffer.data(), buffer.size(), 0)) > 0) {
    sent.append(buffer.data(), static_cast<size_t>(size));
  }
  return sent;
}

bool Peer::ReadHead() {
  std::array<char, 1024> buffer;
  while (unread_.find("\r\n\r\n") == std::string::npos) {
    const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    unread_.append(buffer.data(), static_cast<size_t>(size));
  }
  return true;
}

bool Peer::WaitForInput() {
  char byte = 0;
  return !unread_.empty() || recv(fd_, &byte, 1, MSG_PEEK) > 0;
}

void Peer::EndWriting() { shutdown(fd_, SHUT_WR); }

void Peer::Reset() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

Receiver::Receiver(Behaviour behaviour, const char* address, int port)
    : behaviour_(std::move(behaviour)) {
  listening_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listening_fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address, &name.sin_addr);
  socklen_t size = sizeof name;
  if (bind(listening_fd_, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
      listen(listening_fd_, 2048) != 0 ||
      getsockname(listening_fd_, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    close(listening_fd_);
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(name.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

Receiver::~Receiver() {
  {
    absl::MutexLock lock(&mutex_);
    is_stopping_ = true;
    for (const int fd : open_fds_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listening_fd_, SHUT_RDWR);
  acceptor_.join();
  close(listening_fd_);
  std::list<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    threads = std::move(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::string Receiver::url(std::string_view host) const {
  return absl::StrCat("http://", host, ":", port_, "/inbox");
}

int Receiver::accepted_count() const {
  absl::MutexLock lock(&mutex_);
  return accepted_count_;
}

void Receiver::Accept() {
  while (true) {
    const int fd = accept4(listening_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    absl::MutexLock lock(&mutex_);
    if (fd < 0 || is_stopping_) {
      if (fd >= 0) close(fd);
      return;
    }
    ++accepted_count_;
    const auto open = open_fds_.insert(open_fds_.end(), fd);
    threads_.emplace_back([this, fd, open] {
      Peer peer(fd);
      behaviour_(peer);
      absl::MutexLock lock(&mutex_);
      open_fds_.erase(open);
      close(fd);
    });
  }
}

Receiver::Behaviour Answer(std::string response) {
  return [response = std::move(response)](Peer& peer) {
    ReceivedRequest request;
    if (peer.Read(&request)) peer.Write(response);
  };
}

}  // namespace convoy::testing

// Parses just enough of HTTP to know where a request ends: the empty line and Content-Length.
#include "benchmarks/receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "benchmarks/common.h"

namespace benchmarks {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

size_t ContentLength(std::string_view head) {
  for (const std::string_view line : absl::StrSplit(head, "\r\n")) {
    if (absl::StartsWithIgnoreCase(line, "content-length:")) {
      return std::strtoull(line.data() + 15, nullptr, 10);
    }
  }
  return 0;
}

void Watch(int epoll, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl failed");
}

}  // namespace

Receiver::Receiver(OnBody on_body) : on_body_(std::move(on_body)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, size) != 0 || listen(listener_, 1024) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    Die("cannot listen");
  }
  url_ = absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port));
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  Watch(epoll_, listener_);
  thread_ = std::thread([this] { Run(); });
}

Receiver::~Receiver() {
  should_stop_ = true;
  thread_.join();
  for (const auto& [fd, connection] : connections_) close(fd);
  close(epoll_);
  close(listener_);
}

void Receiver::Run() {
  constexpr int kLookMs = 20;
  epoll_event events[64];
  while (!should_stop_) {
    const int count = epoll_wait(epoll_, events, 64, kLookMs);
    for (int index = 0; index < count; ++index) {
      const int fd = events[index].data.fd;
      if (fd == listener_) {
        Accept();
      } else if (!Read(fd, connections_[fd])) {
        connections_.erase(fd);
        close(fd);
      }
    }
  }
}

void Receiver::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections_[fd] = {};
    Watch(epoll_, fd);
  }
}

bool Receiver::Read(int fd, Connection& connection) {
  char data[16 * 1024];
  const ssize_t size = read(fd, data, sizeof data);
  if (size <= 0) return false;
  for (int left = Feed(connection, data, static_cast<size_t>(size)); left > 0; --left) {
    if (write(fd, kAnswer.data(), kAnswer.size()) < 0) return false;
    ++requests_count_;
  }
  return true;
}

int Receiver::Feed(Connection& connection, const char* data, size_t size) const {
  int requests = 0;
  while (size > 0) {
    if (connection.body_bytes_left > 0) {
      const size_t taken = std::min(size, connection.body_bytes_left);
      if (on_body_ && connection.body_start.size() < kStartBytes) {
        connection.body_start.append(data,
                                     std::min(taken, kStartBytes - connection.body_start.size()));
        if (connection.body_start.size() == kStartBytes) on_body_(connection.body_start);
      }
      connection.body_bytes_left -= taken;
      data += taken;
      size -= taken;
      if (connection.body_bytes_left == 0) ++requests;
      continue;
    }
    const size_t before = connection.head.size();
    connection.head.append(data, size);
    const size_t end = connection.head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) return requests;
    const size_t taken = end + 4 - before;
    data += taken;
    size -= taken;
    connection.body_bytes_left = ContentLength(std::string_view(connection.head).substr(0, end));
    connection.head.clear();
    connection.body_start.clear();
    if (connection.body_bytes_left == 0) ++requests;
  }
  return requests;
}

}  // namespace benchmarks

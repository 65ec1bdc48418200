// Registration of sockets with an epoll descriptor: what stays registered, and what must not.
#include "lib/transport/curl/socket_watch.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include <catch2/catch.hpp>

namespace convoy::transport {
namespace {

// An epoll descriptor, a watch on it, and a pair of connected sockets.
class Sockets {
 public:
  Sockets() {
    std::array<int, 2> pair = {};
    if (epoll_ < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      FAIL("no descriptors");
    }
    near_ = pair[0];
    far_ = pair[1];
  }
  ~Sockets() {
    for (const int fd : {near_, far_, epoll_}) close(fd);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  void Speak() const { CHECK(write(far_, "x", 1) == 1); }
  // Whether an event is reported now.
  bool HasEvent() const {
    epoll_event event;
    return epoll_wait(epoll_, &event, 1, 0) == 1;
  }
  // Whether the kernel has it registered: then it cannot be added.
  bool IsRegistered() const {
    epoll_event event = {};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, near_, &event) != 0) return true;
    epoll_ctl(epoll_, EPOLL_CTL_DEL, near_, nullptr);
    return false;
  }

  int socket() const { return near_; }
  int epoll() const { return epoll_; }
  SocketWatch& watch() { return watch_; }

 private:
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int near_ = -1, far_ = -1;
  SocketWatch watch_{epoll_};
};

TEST_CASE("socket_watch: a socket of ours stays registered between two exchanges") {
  Sockets sockets;
  sockets.watch().OnOpen(sockets.socket());
  for (int exchange = 0; exchange < 3; ++exchange) {
    sockets.watch().Want(sockets.socket(), EPOLLIN);
    CHECK(sockets.IsRegistered());
    CHECK_FALSE(sockets.HasEvent());
    sockets.watch().Want(sockets.socket(), 0);
    CHECK(sockets.IsRegistered());
  }
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  sockets.Speak();
  CHECK(sockets.HasEvent());
  CHECK(sockets.watch().TakeEvent(sockets.socket()));
}

TEST_CASE("socket_watch: an event that is not wanted is reported once") {
  Sockets sockets;
  sockets.watch().OnOpen(sockets.socket());
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  sockets.watch().Want(sockets.socket(), 0);
  sockets.Speak();
  CHECK(sockets.HasEvent());
  CHECK_FALSE(sockets.watch().TakeEvent(sockets.socket()));
  CHECK_FALSE(sockets.HasEvent());
  // And is not lost on the next exchange.
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  CHECK(sockets.HasEvent());
  CHECK(sockets.watch().TakeEvent(sockets.socket()));
}

TEST_CASE("socket_watch: a socket that may be written to does not stay registered") {
  Sockets sockets;
  sockets.watch().OnOpen(sockets.socket());
  sockets.watch().Want(sockets.socket(), EPOLLOUT);
  CHECK(sockets.HasEvent());
  sockets.watch().Want(sockets.socket(), EPOLLIN | EPOLLOUT);
  sockets.watch().Want(sockets.socket(), 0);
  CHECK_FALSE(sockets.HasEvent());
  CHECK_FALSE(sockets.IsRegistered());
}

TEST_CASE("socket_watch: a closed socket is not registered, even if a copy of it lives on") {
  Sockets sockets;
  sockets.watch().OnOpen(sockets.socket());
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  sockets.watch().Want(sockets.socket(), 0);
  sockets.watch().OnClose(sockets.socket());
  CHECK_FALSE(sockets.IsRegistered());
  // Its number is another socket's now.
  sockets.watch().OnOpen(sockets.socket());
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  CHECK(sockets.IsRegistered());
}

TEST_CASE("socket_watch: a socket whose closing is not told does not stay registered") {
  Sockets sockets;
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  CHECK(sockets.IsRegistered());
  sockets.watch().Want(sockets.socket(), 0);
  CHECK_FALSE(sockets.IsRegistered());
  // Closed and opened again between two wishes, without a word.
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  epoll_event event;
  CHECK(epoll_ctl(sockets.epoll(), EPOLL_CTL_DEL, sockets.socket(), &event) == 0);
  sockets.watch().Want(sockets.socket(), EPOLLIN);
  CHECK(sockets.IsRegistered());
}

}  // namespace
}  // namespace convoy::transport

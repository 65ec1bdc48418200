// Registration of libcurl's sockets with an epoll descriptor. Between two exchanges libcurl lets go
// of the socket of a kept connection; here it stays registered, so that an exchange on a kept
// connection costs no call of epoll_ctl.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"

namespace convoy::transport {

// Not safe for several threads at once. The descriptor is not owned.
class SocketWatch {
 public:
  explicit SocketWatch(int epoll_fd) : epoll_fd_(epoll_fd) {}

  // A socket of which OnClose will be told before it is closed. Only such a one stays registered
  // while it is not wanted: of another one the number may come to mean a socket that is not.
  void OnOpen(int socket);
  void OnClose(int socket);

  // libcurl wants to know of these events (EPOLLIN, EPOLLOUT) of a socket; 0: of none any more.
  void Want(int socket, uint32_t events);

  // An event of a socket was reported: whether it is wanted. One that is not would be reported over
  // and over, so the socket is not registered from then on until something is wanted of it.
  bool TakeEvent(int socket);

 private:
  struct Entry {
    uint32_t registered = 0;  // events; 0: not registered
    bool is_wanted = false;
    bool is_ours = false;
  };

  void Register(int socket, uint32_t events, Entry& entry) const;
  void Unregister(int socket, Entry& entry) const;

  const int epoll_fd_;
  absl::flat_hash_map<int, Entry> entries_;
};

}  // namespace convoy::transport

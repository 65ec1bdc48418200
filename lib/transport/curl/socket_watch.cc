// Lazy registration: a socket that nothing is wanted of is taken out when its next event comes,
// which for most is the end of the connection, or when it is closed.
#include "lib/transport/curl/socket_watch.h"

#include <sys/epoll.h>

#include <cerrno>

namespace convoy::transport {

void SocketWatch::OnOpen(int socket) { entries_[socket] = {.is_ours = true}; }

// The kernel forgets a closed socket by itself, but not one that a forked process still has.
void SocketWatch::OnClose(int socket) {
  const auto found = entries_.find(socket);
  if (found == entries_.end()) return;
  Unregister(socket, found->second);
  entries_.erase(found);
}

void SocketWatch::Want(int socket, uint32_t events) {
  Entry& entry = entries_[socket];
  entry.is_wanted = events != 0;
  if (entry.is_wanted) {
    if (!entry.is_ours || entry.registered != events) Register(socket, events, entry);
    return;
  }
  // One that can be written to has an event at once.
  if (!entry.is_ours || entry.registered != EPOLLIN) Unregister(socket, entry);
  if (!entry.is_ours) entries_.erase(socket);
}

bool SocketWatch::TakeEvent(int socket) {
  const auto found = entries_.find(socket);
  if (found == entries_.end() || found->second.is_wanted) return true;
  Unregister(socket, found->second);
  return false;
}

void SocketWatch::Register(int socket, uint32_t events, Entry& entry) const {
  epoll_event event = {};
  event.data.fd = socket;
  event.events = events;
  const int operation = entry.registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  // One that is not ours may have been closed, and its number be another's, without a word.
  if (epoll_ctl(epoll_fd_, operation, socket, &event) != 0) {
    const int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    epoll_ctl(epoll_fd_, other, socket, &event);
  }
  entry.registered = events;
}

void SocketWatch::Unregister(int socket, Entry& entry) const {
  if (entry.registered == 0) return;
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, socket, nullptr);
  entry.registered = 0;
}

}  // namespace convoy::transport

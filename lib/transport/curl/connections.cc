// Kept connections: which socket is whose, and whether it is still of use.
#include "lib/transport/curl/connections.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace convoy::transport {
namespace {

constexpr uint32_t kDistrustMin = 100;
constexpr uint32_t kDistrustMax = 100'000;
constexpr size_t kDistrustedMax = 4096;

// 0 for what is neither IPv4 nor IPv6, and for a socket that has no such end.
int PortOf(int socket, int (*name)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  if (name(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return ntohs(v4.sin_port);
  }
  if (storage.ss_family != AF_INET6) return 0;
  sockaddr_in6 v6;
  std::memcpy(static_cast<void*>(&v6), &storage, sizeof v6);
  return ntohs(v6.sin6_port);
}

// Whether a read would not have to wait: bytes, the end of the stream, or an error.
bool IsReadable(int socket) {
  char byte = 0;
  const ssize_t size = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

// Leaves nothing that could be taken for a sign of life.
void ShutDown(int socket) {
  shutdown(socket, SHUT_RDWR);
  std::array<char, 4096> bytes;
  while (recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

void Connections::SetKey(const ConnectionEnds& ends, std::string& key) {
  const auto add = [&key](const char* ip, int port) {
    key.append(ip).push_back(' ');
    key.push_back(static_cast<char>(port & 0xFF));
    key.push_back(static_cast<char>(port >> 8 & 0xFF));
  };
  key.clear();
  add(ends.local_ip, ends.local_port);
  add(ends.remote_ip, ends.remote_port);
}

void Connections::Add(const std::string& key, const ConnectionEnds& ends,
                      const std::vector<int>& sockets) {
  for (const int socket : sockets) {
    if (PortOf(socket, &getsockname) != ends.local_port ||
        PortOf(socket, &getpeername) != ends.remote_port) {
      continue;
    }
    connections_[key] = {.socket = socket};
    keys_[socket] = key;
    return;
  }
}

void Connections::SetExclusive(const std::string& key) {
  const auto found = connections_.find(key);
  if (found != connections_.end()) found->second.is_exclusive = true;
}

bool Connections::IsExclusive(const std::string& key) const {
  const auto found = connections_.find(key);
  return found != connections_.end() && found->second.is_exclusive;
}

bool Connections::ShutDownIfStale(const std::string& key) {
  if (!IsExclusive(key)) return false;
  const int socket = connections_.find(key)->second.socket;
  if (!IsReadable(socket)) return false;
  ShutDown(socket);
  return true;
}

void Connections::OnClose(int socket) {
  sockets_.OnClose(socket);
  if (const auto watched = watched_.find(socket); watched != watched_.end()) {
    *watched->second = PortOf(socket, &getpeername) != 0;
    watched_.erase(watched);
  }
  const auto found = keys_.find(socket);
  if (found == keys_.end()) return;
  connections_.erase(found->second);
  keys_.erase(found);
}

void Connections::OnLost(const std::string& authority) {
  if (distrusted_.size() >= kDistrustedMax && !distrusted_.contains(authority)) {
    distrusted_.clear();
  }
  Distrust& distrust = distrusted_[authority];
  distrust.total_count = std::clamp(distrust.total_count * 2, kDistrustMin, kDistrustMax);
  distrust.left_count = distrust.total_count;
}

bool Connections::TakeNeedsOwnConnection(const std::string& authority) {
  const auto found = distrusted_.find(authority);
  if (found == distrusted_.end() || found->second.left_count == 0) return false;
  --found->second.left_count;
  return true;
}

}  // namespace convoy::transport

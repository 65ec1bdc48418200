// The connections of a transport, as far as one must know them to tell a dead one before a request
// is written to it.
//
// libcurl peeks at a kept connection and takes pending bytes for a sign of life. With HTTP/1 they
// are the opposite: the peer has closed it (a TLS alert) or has said something unasked for (a 408
// before it closes), which would be read as the answer to the next request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/transport/curl/socket_watch.h"

namespace convoy::transport {

// The two ends of a connection, as libcurl reports them.
struct ConnectionEnds {
  const char* local_ip;
  int local_port;
  const char* remote_ip;
  int remote_port;
};

class Connections {
 public:
  // `sockets` is told what is opened and closed; it must outlive this.
  explicit Connections(SocketWatch* sockets) : sockets_(*sockets) {}

  // A socket is opened for an exchange. When it is closed while it is watched, `out_is_connected`
  // tells whether it was connected; it must live until then.
  void Watch(int socket, bool* out_is_connected) {
    sockets_.OnOpen(socket);
    watched_[socket] = out_is_connected;
  }
  void Unwatch(int socket) { watched_.erase(socket); }

  // Sets `key` to the name of a connection here, which is not text; two connections that are open
  // at once have different ones.
  static void SetKey(const ConnectionEnds& ends, std::string& key);

  // The connection has just been made, on one of these sockets.
  void Add(const std::string& key, const ConnectionEnds& ends, const std::vector<int>& sockets);
  // An exchange has ended on it in HTTP/1, so between exchanges the peer has nothing to say.
  void SetExclusive(const std::string& key);
  bool IsExclusive(const std::string& key) const;
  // Before a request is written to a kept connection: whether the peer has closed it or spoken.
  // Such a connection is shut down, so that libcurl does not use it again.
  bool ShutDownIfStale(const std::string& key);
  void OnClose(int socket);

  // A request to `authority` ("https://host:port") was lost on a kept connection. For some requests
  // to come it is given connections of its own, for more of them each time it happens: a receiver
  // that closes after each answer without saying so would lose every other one.
  void OnLost(const std::string& authority);
  // Of the next request to it.
  bool TakeNeedsOwnConnection(const std::string& authority);

 private:
  // After a loss: how many requests are still given connections of their own, and how many were.
  struct Distrust {
    uint32_t left_count = 0;
    uint32_t total_count = 0;
  };
  struct Connection {
    int socket;
    bool is_exclusive = false;
  };
  SocketWatch& sockets_;
  absl::flat_hash_map<std::string, Connection> connections_;
  absl::flat_hash_map<int, std::string> keys_;  // by socket
  absl::flat_hash_map<int, bool*> watched_;     // by socket
  absl::flat_hash_map<std::string, Distrust> distrusted_;
};

}  // namespace convoy::transport

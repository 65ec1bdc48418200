// Peer of a transport under test: a server on 127.0.0.1 that does with a request what a check says.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace convoy::testing {

struct PeerRequest {
  std::string head;  // request line and header lines, without the empty line
  std::string body;
};

// A conversation with one client. After the peer is gone every call fails at once.
class PeerConnection {
 public:
  explicit PeerConnection(int fd) : fd_(fd) {}

  // False if the client went away before its request was complete.
  bool Read(PeerRequest* request);
  bool Write(std::string_view bytes);
  // Waits until the client goes away.
  void AwaitEnd();

 private:
  bool Fill();

  const int fd_;
  std::string unread_;
};

// Each connection gets a thread of its own, which runs `behaviour` and then closes it.
class HttpPeer {
 public:
  using Behaviour = std::function<void(HttpPeer& peer, PeerConnection& connection)>;

  explicit HttpPeer(Behaviour behaviour);
  ~HttpPeer();
  HttpPeer(const HttpPeer&) = delete;
  HttpPeer& operator=(const HttpPeer&) = delete;

  // False: there was no port for it.
  bool is_open() const { return port_ != 0; }
  std::string Url(std::string_view path = "/") const;

  // Requests whose heads and bodies have arrived whole.
  std::vector<PeerRequest> requests() const;

  // Reads a request and counts it, for behaviours.
  bool Take(PeerConnection& connection, PeerRequest* request = nullptr);

  // Answers every request of a connection with `response`.
  static Behaviour Answers(std::string response);

 private:
  void Accept();

  const Behaviour behaviour_;
  int listening_fd_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  mutable absl::Mutex mutex_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<PeerRequest> requests_ ABSL_GUARDED_BY(mutex_);
  std::list<int> open_fds_ ABSL_GUARDED_BY(mutex_);
  std::list<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::testing

// A receiver on a real socket that behaves as badly as a test wants: each connection is handed, on
// a thread of its own, to a function that reads and writes raw bytes.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace convoy::testing {

struct ReceivedRequest {
  std::string head;  // request line and header lines, with the empty line
  std::string body;  // as Content-Length says
};

// One accepted connection. When the receiver stops, every call fails at once.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  // False if the client went away before the request was complete.
  bool Read(ReceivedRequest* request);
  // False if the client has gone.
  bool Write(std::string_view bytes);
  // Reads until the client goes away; what it has sent.
  std::string WaitForClose();
  // Reads until a head is complete, and no further if the client is slow. False if it went away.
  bool ReadHead();
  // Until there is something to read. False if the client went away instead.
  bool WaitForInput();
  // Says that nothing more will be written.
  void EndWriting();
  // Makes the end of the connection a reset.
  void Reset();

 private:
  const int fd_;
  std::string unread_;
};

class Receiver {
 public:
  using Behaviour = std::function<void(Peer&)>;

  explicit Receiver(Behaviour behaviour, const char* address = "127.0.0.1", int port = 0);
  ~Receiver();

  int port() const { return port_; }
  std::string url(std::string_view host = "127.0.0.1") const;
  int accepted_count() const;

 private:
  void Accept();

  const Behaviour behaviour_;
  int listening_fd_ = -1;
  int port_ = 0;
  std::thread acceptor_;
  mutable absl::Mutex mutex_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int accepted_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<int> open_fds_ ABSL_GUARDED_BY(mutex_);
  std::list<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

// Reads one request, answers with `response` and closes.
Receiver::Behaviour Answer(std::string response);

}  // namespace convoy::testing

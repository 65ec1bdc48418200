// A receiver that costs as little as possible: one thread, epoll, "200 OK" to whatever comes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

namespace benchmarks {

class Receiver {
 public:
  // The first bytes of a body, at most so many, when they have come; on the receiver's thread.
  static constexpr size_t kStartBytes = 32;
  using OnBody = std::function<void(std::string_view start)>;

  explicit Receiver(OnBody on_body = nullptr);
  ~Receiver();

  const std::string& url() const { return url_; }  // "http://127.0.0.1:PORT"
  uint64_t requests_count() const { return requests_count_; }

 private:
  // Received part of the request in progress on a connection.
  struct Connection {
    std::string head;            // until the empty line
    size_t body_bytes_left = 0;  // of a body whose head is complete
    std::string body_start;
  };

  void Run();
  void Accept();
  // False when the connection is at its end.
  bool Read(int fd, Connection& connection);
  // Counts complete requests in `data` and returns how many.
  int Feed(Connection& connection, const char* data, size_t size) const;

  const OnBody on_body_;
  int listener_ = -1;
  int epoll_ = -1;
  std::string url_;
  std::unordered_map<int, Connection> connections_;
  std::atomic<uint64_t> requests_count_ = 0;
  std::atomic<bool> should_stop_ = false;
  std::thread thread_;
};

}  // namespace benchmarks

// Flag that poll(2) can wait for, with which one thread ends another one's wait.
#pragma once

#include <memory>

#include "absl/memory/memory.h"
#include "absl/status/statusor.h"

namespace convoy::broker {

class Interruption {
 public:
  static absl::StatusOr<std::unique_ptr<Interruption>> New();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  void Raise();                   // from any thread
  bool Take();                    // whether it was raised since the last time
  int fd() const { return fd_; }  // readable while it is raised

 private:
  explicit Interruption(int fd) : fd_(fd) {}

  const int fd_;
};

}  // namespace convoy::broker

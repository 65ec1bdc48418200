// A real broker for a test in C++: one of tests/brokers/servers, run by Python, spoken to in lines
// (servers/serve.py).
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/testing/broker_conformance.h"
#include "lib/json/document.h"

namespace convoy::testing {

class ServerProcess {
 public:
  // Starts the server of servers/<module>.py and waits until it serves.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const std::string& module);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Its answer to {"call": call, …members}; kInternal with the text of what went wrong there.
  // `members` is JSON without the braces.
  absl::StatusOr<json::Document> Call(std::string_view call, std::string_view members = "");

  absl::Status Produce(uint64_t queue, std::span<const BenchMessage> messages);
  absl::StatusOr<uint64_t> Left(uint64_t queue);

 private:
  ServerProcess() = default;

  absl::StatusOr<json::Document> ReadAnswer();

  pid_t process_ = -1;
  FILE* orders_ = nullptr;
  FILE* answers_ = nullptr;
};

}  // namespace convoy::testing

// A server that is a Python script of the tests, for as long as the object lives: it prints its
// port in its first line, and ends with its standard input.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

namespace convoy::testing {

class PythonServer {
 public:
  // `script` is a path within tests.
  PythonServer(const std::string& script, const std::vector<std::string>& arguments,
               const char* interpreter = "python3") {
    int input[2];
    int output[2];
    // Closed in the children of other servers, so that each sees the end of its own input.
    REQUIRE(pipe2(input, O_CLOEXEC) == 0);
    REQUIRE(pipe2(output, O_CLOEXEC) == 0);
    const std::string path = absl::StrCat(CONVOY_TEST_DIR, "/", script);
    std::vector<char*> command = {const_cast<char*>(interpreter), const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments) {
      command.push_back(const_cast<char*>(argument.c_str()));
    }
    command.push_back(nullptr);
    process_ = fork();
    if (process_ == 0) {
      dup2(input[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      execvp(interpreter, command.data());
      _exit(127);
    }
    close(input[0]);
    close(output[1]);
    input_fd_ = input[1];
    printed_ = fdopen(output[0], "r");
    REQUIRE(absl::SimpleAtoi(ReadLine(), &port_));
  }
  ~PythonServer() {
    close(input_fd_);
    waitpid(process_, nullptr, 0);
    fclose(printed_);
  }
  PythonServer(const PythonServer&) = delete;
  PythonServer& operator=(const PythonServer&) = delete;

  int port() const { return port_; }

  // The next line that it prints.
  std::string ReadLine() const {
    std::string line;
    for (int c = fgetc(printed_); c != EOF && c != '\n'; c = fgetc(printed_)) {
      line.push_back(static_cast<char>(c));
    }
    return line;
  }

 private:
  pid_t process_ = -1;
  int input_fd_ = -1;
  FILE* printed_ = nullptr;
  int port_ = 0;
};

}  // namespace convoy::testing

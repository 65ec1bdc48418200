// The pipes are closed in children of other tests (CLOEXEC), so that a server sees the end of its
// orders when we go, and stops.
#include "tests/brokers/server_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/json/writer.h"

namespace convoy::testing {

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const std::string& module) {
  int orders[2], answers[2];
  if (pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "pipe");
  }
  const std::string script = absl::StrCat(CONVOY_TEST_DIR, "/brokers/servers/serve.py");
  auto server = absl::WrapUnique(new ServerProcess());
  server->process_ = fork();
  if (server->process_ == 0) {
    dup2(orders[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    execlp(CONVOY_PYTHON, CONVOY_PYTHON, script.c_str(), module.c_str(), nullptr);
    _exit(127);
  }
  close(orders[0]);
  close(answers[1]);
  server->orders_ = fdopen(orders[1], "w");
  server->answers_ = fdopen(answers[0], "r");
  CONVOY_RETURN_IF_ERROR(server->ReadAnswer().status());
  return server;
}

ServerProcess::~ServerProcess() {
  fclose(orders_);
  waitpid(process_, nullptr, 0);
  fclose(answers_);
}

absl::StatusOr<json::Document> ServerProcess::ReadAnswer() {
  char* line = nullptr;
  size_t capacity = 0;
  const ssize_t size = getline(&line, &capacity, answers_);
  const std::string text(line, size < 0 ? 0 : static_cast<size_t>(size));
  free(line);
  if (size < 0) return absl::InternalError("the server has ended");
  CONVOY_ASSIGN_OR_RETURN(json::Document document,
                          json::Parse(text, {.bytes_max = 256 * 1024 * 1024}));
  json::ObjectReader reader(document);
  std::string error;
  if (reader.Read("error", &error)) return absl::InternalError(error);
  return document;
}

absl::StatusOr<json::Document> ServerProcess::Call(std::string_view call,
                                                   std::string_view members) {
  std::string line =
      absl::StrCat("{\"call\":\"", call, "\"", members.empty() ? "" : ",", members, "}");
  std::replace(line.begin(), line.end(), '\n', ' ');  // between members; in texts it is escaped
  line += '\n';
  if (fwrite(line.data(), 1, line.size(), orders_) != line.size() || fflush(orders_) != 0) {
    return absl::InternalError("the server does not listen");
  }
  return ReadAnswer();
}

absl::Status ServerProcess::Produce(uint64_t queue, std::span<const BenchMessage> messages) {
  json::Writer writer;
  writer.BeginArray();
  for (const BenchMessage& message : messages) {
    writer.BeginObject().Field("body", base::Base64Encode(message.body));
    writer.FieldIfSet("id", message.id).Key("attributes").BeginObject();
    for (const Header& attribute : message.attributes) {
      writer.Field(attribute.name, attribute.value);
    }
    writer.EndObject().EndObject();
  }
  writer.EndArray();
  return Call("produce", absl::StrCat("\"queue\":", queue, ",\"messages\":", writer.text()))
      .status();
}

absl::StatusOr<uint64_t> ServerProcess::Left(uint64_t queue) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document,
                          Call("left", absl::StrCat("\"queue\":", queue)));
  uint64_t left = 0;
  json::ObjectReader reader(document);
  if (!reader.Read("answer", &left)) return absl::InternalError("no number");
  return left;
}

}  // namespace convoy::testing

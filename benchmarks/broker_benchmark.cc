// Reading from a message broker that benchmarks/brokers.py has started and filled. The broker is
// described by the REST API's pub_sub object on the standard input. Prints one line of JSON.
//
//   benchmark_broker client COUNT          the client library alone: Kafka's and RabbitMQ's
//   benchmark_broker stored COUNT FOLDER   a gateway in this process, until COUNT events are in its
//                                          store; then SQLite alone with the same rows
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "benchmarks/broker_clients.h"
#include "benchmarks/common.h"
#include "benchmarks/embedded.h"
#include "benchmarks/lean_store.h"

namespace benchmarks {
namespace {

constexpr int kMessagesPerCommit = 256;  // of SQLite alone: as many as a poll brings at most
constexpr absl::Duration kPatience = absl::Seconds(120);

// Sees events being stored: the clock runs from the first commit to the one that completes them.
class Meter final : public convoy::Observer {
 public:
  explicit Meter(uint64_t count) : count_(count) {}

  void Log(convoy::LogLevel level, std::string_view event,
           std::span<const convoy::LogField> fields) override {
    if (level < convoy::LogLevel::kWarning) return;
    std::string line(event);
    for (const auto& [key, value] : fields) absl::StrAppend(&line, " ", key, "=", value);
    std::fprintf(stderr, "gateway: %s\n", line.c_str());
  }

  void Count(std::string_view metric, uint64_t delta) override {
    if (metric == "convoy_broker_message_dead_letter_total") Die("messages were not understood");
    if (metric != "convoy_broker_message_accepted_total") return;
    absl::MutexLock lock(&mutex_);
    last_ = std::chrono::steady_clock::now();
    if (stored_ == 0) {
      first_ = last_;
      first_count_ = delta;
    }
    stored_ += delta;
  }

  double AwaitPerSecond() {
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(this, &Meter::IsComplete), kPatience)) {
      Die(absl::StrCat("only ", stored_, " of ", count_, " messages were stored"));
    }
    const std::chrono::duration<double> elapsed = last_ - first_;
    return static_cast<double>(stored_ - first_count_) / elapsed.count();
  }

 private:
  bool IsComplete() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stored_ >= count_; }

  const uint64_t count_;
  absl::Mutex mutex_;
  uint64_t stored_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t first_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::chrono::steady_clock::time_point first_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point last_ ABSL_GUARDED_BY(mutex_);
};

double StorePerSecond(const std::string& pub_sub, int count, const std::string& path) {
  const auto meter = std::make_shared<Meter>(static_cast<uint64_t>(count));
  convoy::GatewayParts parts;
  parts.observer = meter;
  parts.brokers = {convoy::NewKafkaBroker(), convoy::NewAmqpBroker(), convoy::NewSqsBroker(),
                   convoy::NewGooglePubSubBroker()};
  Embedded embedded(path, {.allowed_networks = {"127.0.0.0/8"}}, std::move(parts));
  const std::string project = embedded.MakeProject("outgoing");
  // A paused endpoint: its deliveries are written and wait, so only intake is measured.
  const std::string endpoint = embedded.MakeEndpoint(project, "http://127.0.0.1:9/");
  embedded.Call("PUT", absl::StrCat(project, "/endpoints/", endpoint, "/pause"), "");
  embedded.Call("POST", project + "/subscriptions",
                absl::StrCat(R"({"name":"s","endpoint_id":")", endpoint,
                             R"(","filter_config":{"event_types":["order.paid"]}})"));
  embedded.Call("POST", project + "/sources",
                absl::StrCat(R"({"name":"s","type":"pub_sub","pub_sub":)", pub_sub, "}"));
  return meter->AwaitPerSecond();
}

void RunClient(const std::string& pub_sub, int count) {
  const std::string type = At(pub_sub, "/type");
  if (type != "kafka" && type != "amqp") Die(absl::StrCat("no client for ", type));
  const double per_second =
      type == "kafka" ? ReadWithLibrdkafka(pub_sub, count) : ReadWithLibrabbitmq(pub_sub, count);
  std::printf("{\"per_s\":%.0f}\n", per_second);
}

void RunStored(const std::string& pub_sub, int count, const std::string& folder) {
  const std::string ours = folder + "/broker.db";
  const double stored = StorePerSecond(pub_sub, count, ours);
  const double bare_seconds =
      LeanStore(folder + "/lean.db").InsertEvents(count, kMessagesPerCommit);
  std::printf("{\"per_s\":%.0f,\"bare_per_s\":%.0f}\n", stored, count / bare_seconds);
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  int count = 0;
  if (argc < 3 || !absl::SimpleAtoi(argv[2], &count) || count < 1 ||
      !(mode == "client" ? argc == 3 : mode == "stored" && argc == 4)) {
    benchmarks::Die("usage: benchmark_broker client COUNT | stored COUNT FOLDER");
  }
  const std::string pub_sub(std::istreambuf_iterator<char>(std::cin), {});
  if (mode == "client") {
    benchmarks::RunClient(pub_sub, count);
  } else {
    benchmarks::RunStored(pub_sub, count, argv[3]);
  }
}

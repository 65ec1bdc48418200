// Intake at full rate with delivery of all that comes in, to a receiver that answers at once:
// events accepted and delivered in a second, and the backlog, over some time. Prints one line of
// JSON. The arguments are the folder for the database and the seconds.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

#include "benchmarks/common.h"
#include "benchmarks/embedded.h"
#include "benchmarks/receiver.h"

namespace benchmarks {
namespace {

constexpr int kCallers = 64;
constexpr int kEndpoints = 4;

// A source of its own for each endpoint; returns the ingest links.
std::vector<std::string> MakeLinks(Embedded& embedded, const Receiver& receiver) {
  const std::string project = embedded.MakeProject("incoming");
  std::vector<std::string> links;
  for (int number = 0; number < kEndpoints; ++number) {
    const std::string endpoint =
        embedded.MakeEndpoint(project, absl::StrCat(receiver.url(), "/e", number));
    const std::string source =
        embedded.Call("POST", project + "/sources",
                      R"({"name":"s","type":"http","idempotency_keys":["request.header.X-Id"]})");
    embedded.Call("POST", project + "/subscriptions",
                  absl::StrCat(R"({"name":"s","endpoint_id":")", endpoint, R"(","source_id":")",
                               At(source, "/data/uid"), R"("})"));
    links.push_back(absl::StrCat("/ingest/", At(source, "/data/mask_id")));
  }
  return links;
}

struct Sample {
  double seconds = 0;
  uint64_t accepted = 0, delivered = 0;
};

void Run(const std::string& folder, int seconds) {
  const Receiver receiver;
  convoy::GatewayOptions options;
  options.allowed_networks = {"127.0.0.0/8"};
  Embedded embedded(folder + "/sustained.db", options);
  const std::vector<std::string> links = MakeLinks(embedded, receiver);
  const std::string body = BodyOf1KiB();
  std::atomic<bool> should_stop = false;
  std::atomic<uint64_t> accepted_count = 0, refused_count = 0, next = 0;
  const auto call = [&] {
    while (!should_stop) {
      const uint64_t number = next++;
      const std::string id = absl::StrCat("id-", number);
      const convoy::HeaderView headers[] = {{"Content-Type", "application/json"}, {"X-Id", id}};
      const int status = embedded.Send(
          {.method = "POST", .path = links[number % kEndpoints], .headers = headers, .body = body});
      ++(status == 200 ? accepted_count : refused_count);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) threads.emplace_back(call);
  const auto start = std::chrono::steady_clock::now();
  std::vector<Sample> samples;
  for (int second = 1; second <= seconds; ++second) {
    std::this_thread::sleep_until(start + std::chrono::seconds(second));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    samples.push_back({elapsed.count(), accepted_count, receiver.requests_count()});
  }
  should_stop = true;
  for (std::thread& thread : threads) thread.join();
  if (refused_count > 0) Die(absl::StrCat(refused_count.load(), " events were refused"));

  // The first quarter is left out: it fills what lies between the two ends.
  const Sample& from = samples[samples.size() / 4];
  const Sample& to = samples.back();
  const double span = to.seconds - from.seconds;
  std::printf(
      "{\"seconds\":%d,\"accepted_per_s\":%.0f,\"delivered_per_s\":%.0f,\"backlog_from\":%lld,"
      "\"backlog_to\":%lld}\n",
      seconds, static_cast<double>(to.accepted - from.accepted) / span,
      static_cast<double>(to.delivered - from.delivered) / span,
      static_cast<long long>(from.accepted) - static_cast<long long>(from.delivered),
      static_cast<long long>(to.accepted) - static_cast<long long>(to.delivered));
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  const int seconds = argc == 3 ? std::atoi(argv[2]) : 0;
  if (seconds < 4) benchmarks::Die("usage: benchmark_sustained FOLDER SECONDS (at least 4)");
  benchmarks::Run(argv[1], seconds);
}

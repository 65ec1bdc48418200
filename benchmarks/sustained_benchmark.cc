// Intake at full rate with delivery of all that comes in, to a receiver that answers at once:
// events accepted and delivered in a second, and the backlog, over some time; then, at half of that
// rate, how long the way of an event takes from its acceptance to the receiver. Prints one line of
// JSON. The arguments are the folder for the database and the seconds.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

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

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A body of 1 KiB that begins with its number.
std::string NumberedBody(size_t number) {
  std::string body = absl::StrFormat(R"({"number":"%012d","text":")", number);
  body.resize(1022, 'x');
  return body + "\"}";
}
size_t NumberOf(std::string_view start) {
  size_t number = 0;
  if (!absl::SimpleAtoi(start.substr(11, 12), &number)) Die("a body without its number");
  return number;
}

// When each event was accepted, i.e. its link had answered, and when it came to the receiver.
struct Instants {
  explicit Instants(size_t count) : accepted_us(count), arrived_us(count) {}
  std::vector<std::atomic<int64_t>> accepted_us, arrived_us;
};

// Posts the events evenly, `per_s` in a second, and waits until all have arrived.
void SendEvenly(Embedded& embedded, double per_s, Instants& instants) {
  const Receiver receiver([&](std::string_view start) {
    const size_t number = NumberOf(start);
    if (number < instants.arrived_us.size()) instants.arrived_us[number] = NowMicros();
  });
  const std::vector<std::string> links = MakeLinks(embedded, receiver);
  std::atomic<size_t> next = 0;
  const auto start = std::chrono::steady_clock::now();
  const size_t count = instants.accepted_us.size();
  const auto call = [&] {
    for (size_t number = next++; number < count; number = next++) {
      std::this_thread::sleep_until(
          start + std::chrono::nanoseconds(static_cast<int64_t>(1e9 * number / per_s)));
      const std::string id = absl::StrCat("half-", number), body = NumberedBody(number);
      const convoy::HeaderView headers[] = {{"Content-Type", "application/json"}, {"X-Id", id}};
      const int status = embedded.Send(
          {.method = "POST", .path = links[number % kEndpoints], .headers = headers, .body = body});
      if (status != 200) Die(absl::StrCat("an event was answered with ", status));
      instants.accepted_us[number] = NowMicros();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) threads.emplace_back(call);
  for (std::thread& thread : threads) thread.join();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (receiver.requests_count() < count) {
    if (std::chrono::steady_clock::now() > deadline) Die("not all events arrived");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

struct Way {
  double p50_ms = 0, p99_ms = 0;
};

Way MeasureWay(Embedded& embedded, double per_s, int seconds) {
  Instants instants(static_cast<size_t>(per_s * seconds));
  SendEvenly(embedded, per_s, instants);
  std::vector<int64_t> way_us;
  // The first tenth is left out: the endpoints earn their slots. What arrives before its sender has
  // read the answer counts as nothing.
  for (size_t i = instants.accepted_us.size() / 10; i < instants.accepted_us.size(); ++i) {
    way_us.push_back(std::max<int64_t>(0, instants.arrived_us[i] - instants.accepted_us[i]));
  }
  if (way_us.empty()) Die("there is nothing to measure");
  std::sort(way_us.begin(), way_us.end());
  const auto at = [&](double part) {
    return static_cast<double>(
               way_us[std::min(way_us.size() - 1,
                               static_cast<size_t>(part * static_cast<double>(way_us.size())))]) /
           1e3;
  };
  return {at(0.5), at(0.99)};
}

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
  const double accepted_per_s = static_cast<double>(to.accepted - from.accepted) / span;
  while (receiver.requests_count() < accepted_count) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const Way way = MeasureWay(embedded, accepted_per_s / 2, std::max(seconds / 2, 2));
  std::printf(
      "{\"seconds\":%d,\"accepted_per_s\":%.0f,\"delivered_per_s\":%.0f,\"backlog_from\":%lld,"
      "\"backlog_to\":%lld,\"half_load_per_s\":%.0f,\"way_p50_ms\":%.2f,\"way_p99_ms\":%.2f}\n",
      seconds, accepted_per_s, static_cast<double>(to.delivered - from.delivered) / span,
      static_cast<long long>(from.accepted) - static_cast<long long>(from.delivered),
      static_cast<long long>(to.accepted) - static_cast<long long>(to.delivered),
      accepted_per_s / 2, way.p50_ms, way.p99_ms);
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  const int seconds = argc == 3 ? std::atoi(argv[2]) : 0;
  if (seconds < 4) benchmarks::Die("usage: benchmark_sustained FOLDER SECONDS (at least 4)");
  benchmarks::Run(argv[1], seconds);
}

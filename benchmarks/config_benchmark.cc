// The cost of a change of configuration, and of the event after it, in projects of different sizes:
// 10 to 100,000 endpoints, each with a subscription to an event type of its own. All through the
// REST API, in process, on a real file.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "benchmarks/common.h"
#include "benchmarks/embedded.h"

namespace benchmarks {
namespace {

constexpr int kSizes[] = {10, 1'000, 10'000, 100'000};
constexpr int kSamples = 101;

// Real time, and time of all processors in this process.
struct Instant {
  double real_us;
  double processor_us;

  static Instant Now() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto micros = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    const std::chrono::duration<double, std::micro> real =
        std::chrono::steady_clock::now().time_since_epoch();
    return {real.count(), micros(used.ru_utime) + micros(used.ru_stime)};
  }
};

double MedianOf(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

struct Samples {
  std::vector<double> real_us;
  std::vector<double> processor_us;

  void Add(const Instant& begin, const Instant& end) {
    real_us.push_back(end.real_us - begin.real_us);
    processor_us.push_back(end.processor_us - begin.processor_us);
  }
};

double ResidentMib() {
  std::ifstream statm("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * 4096 / (1024 * 1024);
}

std::string EndpointBody(int number, int version) {
  return absl::StrCat(R"({"name":"endpoint )", number, R"(","description":"version )", version,
                      R"(","url":"http://127.0.0.1:9/)", number, R"("})");
}

class Project {
 public:
  explicit Project(Embedded& embedded)
      : embedded_(embedded), path_(embedded.MakeProject("outgoing")) {}

  void GrowTo(int size) {
    for (int i = static_cast<int>(endpoints_.size()); i < size; ++i) {
      endpoints_.push_back(
          At(embedded_.Call("POST", path_ + "/endpoints", EndpointBody(i, 0)), "/data/uid"));
      embedded_.Call("POST", path_ + "/subscriptions",
                     absl::StrCat(R"({"name":"s","endpoint_id":")", endpoints_.back(),
                                  R"(","filter_config":{"event_types":["type.)", i, R"("]}})"));
    }
  }

  std::string Measure() {
    Samples change, event;
    for (int i = 0; i < kSamples; ++i) {
      const int number = i * 7919 % static_cast<int>(endpoints_.size());
      const std::string body = EndpointBody(number, ++version_);
      const Instant begin = Instant::Now();
      embedded_.Call("PUT", absl::StrCat(path_, "/endpoints/", endpoints_[number]), body);
      const Instant changed = Instant::Now();
      embedded_.Call("POST", path_ + "/events/broadcast",
                     absl::StrCat(R"({"event_type":"type.)", number, R"(","data":{"a":1}})"));
      const Instant sent = Instant::Now();
      change.Add(begin, changed);
      event.Add(changed, sent);
    }
    return absl::StrCat("\"change_us\":", MedianOf(change.real_us),
                        ",\"change_processor_us\":", MedianOf(change.processor_us),
                        ",\"event_us\":", MedianOf(event.real_us),
                        ",\"event_processor_us\":", MedianOf(event.processor_us));
  }

 private:
  Embedded& embedded_;
  const std::string path_;
  std::vector<std::string> endpoints_;
  int version_ = 0;
};

void Run(const std::string& path, int size_max) {
  convoy::GatewayOptions options;
  // Nothing listens: deliveries are to fail fast and be left alone.
  Embedded embedded(path, options);
  Project project(embedded);
  std::vector<std::string> rows;
  double made_s = 0;
  for (const int size : kSizes) {
    if (size > size_max) break;
    const Instant begin = Instant::Now();
    project.GrowTo(size);
    made_s += (Instant::Now().real_us - begin.real_us) / 1e6;
    rows.push_back(absl::StrCat("{\"endpoints\":", size, ",", project.Measure(),
                                ",\"made_s\":", made_s, ",\"resident_mib\":", ResidentMib(), "}"));
  }
  std::printf("{\"sizes\":[%s]}\n", absl::StrJoin(rows, ",").c_str());
}

}  // namespace
}  // namespace benchmarks

// benchmark_config FOLDER [ENDPOINTS_MAX]
int main(int count, char** words) {
  if (count < 2) benchmarks::Die("usage: benchmark_config FOLDER [ENDPOINTS_MAX]");
  benchmarks::Run(std::string(words[1]) + "/config.db", count > 2 ? std::atoi(words[2]) : 100'000);
  return 0;
}

// A web service that answers as a test says: for what real servers do rarely or never.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "convoy/broker.h"
#include "convoy/clock.h"
#include "tests/unit/transport/receiver.h"

namespace convoy::testing {

struct ScriptedAnswer {
  int status = 200;
  std::string body = "{}";
};

class ScriptedService {
 public:
  using Script = std::function<ScriptedAnswer(const ReceivedRequest& request)>;

  // The script runs on the connections' threads, one request at a time.
  explicit ScriptedService(Script script)
      : script_(std::move(script)), receiver_([this](Peer& peer) { Serve(peer); }) {}

  std::string endpoint() const { return absl::StrCat("http://127.0.0.1:", receiver_.port()); }

  std::vector<ReceivedRequest> requests() {
    absl::MutexLock lock(&mutex_);
    return requests_;
  }

 private:
  void Serve(Peer& peer) {
    ReceivedRequest request;
    while (peer.Read(&request)) {
      ScriptedAnswer answer;
      {
        absl::MutexLock lock(&mutex_);
        requests_.push_back(request);
        answer = script_(request);
      }
      peer.Write(absl::StrCat("HTTP/1.1 ", answer.status, " X\r\nContent-Length: ",
                              answer.body.size(), "\r\n\r\n", answer.body));
    }
  }

  const Script script_;
  absl::Mutex mutex_;
  std::vector<ReceivedRequest> requests_ ABSL_GUARDED_BY(mutex_);
  Receiver receiver_;  // last: its threads use the rest
};

// Dependencies of a consumer in these tests.
class BrokerFixture {
 public:
  BrokerEnvironment env() {
    return {.clock = clock_.get(),
            .random = random_.get(),
            .observer = &observer_,
            .allowed_networks = {"127.0.0.0/8"}};
  }
  Clock& clock() { return *clock_; }

 private:
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<Random> random_ = NewSystemRandom();
  Observer observer_;
};

}  // namespace convoy::testing

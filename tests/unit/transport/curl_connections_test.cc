// Connections of the curl transport: reuse, loss, many at once, and the end.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::Peer;
using testing::ReceivedRequest;
using testing::Receiver;
using testing::TransportDriver;

const char* const kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

void AnswerAll(Peer& peer) {
  ReceivedRequest request;
  while (peer.Read(&request)) peer.Write(kOk);
}

void NeverAnswer(Peer& peer) { peer.WaitForClose(); }

bool AreAll(const TransportDriver& driver, TransportOutcome outcome) {
  return std::all_of(driver.results().begin(), driver.results().end(),
                     [=](const TransportResult& result) { return result.outcome == outcome; });
}

TEST_CASE("curl_connections: a connection is used again") {
  const Receiver receiver(AnswerAll);
  TransportDriver driver;
  for (int i = 0; i < 20; ++i) driver.Exchange(receiver.url());
  CHECK(AreAll(driver, TransportOutcome::kResponse));
  CHECK(receiver.accepted_count() == 1);
}

TEST_CASE("curl_connections: a receiver that closes after each answer costs a failure at most") {
  const Receiver receiver(testing::Answer(kOk));  // closes without having said so
  TransportDriver driver;
  for (int i = 0; i < 50; ++i) driver.Exchange(receiver.url());
  // The end of a connection may arrive too late to be seen, but only once.
  const auto lost_count = std::count_if(
      driver.results().begin(), driver.results().end(),
      [](const TransportResult& result) { return result.outcome != TransportOutcome::kResponse; });
  CHECK(lost_count <= 1);
  CHECK(receiver.accepted_count() == 50 - lost_count);
}

// Answers the first request of a connection, then does `then` to the idle connection.
Receiver::Behaviour AnswerThen(std::function<void(Peer&)> then) {
  return [then = std::move(then)](Peer& peer) {
    ReceivedRequest request;
    if (!peer.Read(&request)) return;
    peer.Write(kOk);
    then(peer);
  };
}

TEST_CASE("curl_connections: what is found dead before the request is written is replaced") {
  const std::pair<const char*, std::function<void(Peer&)>> cases[] = {
      {"closed", [](Peer&) {}},
      {"half closed",
       [](Peer& peer) {
         peer.EndWriting();
         peer.WaitForClose();
       }},
      {"reset", [](Peer& peer) { peer.Reset(); }},
      {"said something unasked for, and closed",
       [](Peer& peer) { peer.Write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"); }},
      {"said something unasked for", [](Peer& peer) {
         peer.Write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
         peer.WaitForClose();
       }}};
  for (const auto& [name, then] : cases) {
    INFO(name);
    const Receiver receiver(AnswerThen(then));
    TransportDriver driver;
    for (int i = 0; i < 10; ++i) {
      CHECK(driver.Exchange(receiver.url()).http_status == 200);
      absl::SleepFor(absl::Milliseconds(10));  // for the end to arrive
    }
    CHECK(receiver.accepted_count() == 10);
  }
}

TEST_CASE("curl_connections: the end of a kept connection wakes the owner once at most") {
  const Receiver receiver(AnswerThen([](Peer&) {}));
  TransportDriver driver;
  for (int i = 0; i < 5; ++i) {
    CHECK(driver.Exchange(receiver.url()).http_status == 200);
    absl::SleepFor(absl::Milliseconds(10));  // for the end to arrive
    driver.transport().Step();
    pollfd wake = {.fd = driver.transport().wake_fd(), .events = POLLIN};
    CHECK(poll(&wake, 1, 0) == 0);
  }
}

// Reads a second request on the same connection, as far as it cares to, and ends the connection.
TEST_CASE("curl_connections: a request that was written is not written again") {
  const std::pair<const char*, std::function<void(Peer&)>> cases[] = {
      {"closed after the head", [](Peer& peer) { peer.ReadHead(); }},
      {"reset after the head",
       [](Peer& peer) {
         peer.ReadHead();
         peer.Reset();
       }},
      {"closed after all of it",
       [](Peer& peer) {
         ReceivedRequest request;
         peer.Read(&request);
       }},
      {"half closed after all of it",
       [](Peer& peer) {
         ReceivedRequest request;
         peer.Read(&request);
         peer.EndWriting();
         peer.WaitForClose();
       }},
      {"reset after all of it", [](Peer& peer) {
         ReceivedRequest request;
         peer.Read(&request);
         peer.Reset();
       }}};
  for (const auto& [name, then] : cases) {
    for (const size_t body_size : {size_t{2}, size_t{300'000}}) {
      INFO(name << ", body of " << body_size);
      std::atomic<int> heads_count = 0;
      const Receiver receiver([&heads_count, &then = then](Peer& peer) {
        ReceivedRequest request;
        if (!peer.Read(&request)) return;
        ++heads_count;
        peer.Write(kOk);
        if (!peer.WaitForInput()) return;
        ++heads_count;
        then(peer);
      });
      for (int i = 0; i < 5; ++i) {
        TransportDriver driver;
        const auto send = [&] {
          return driver.Exchange(
              TransportDriver::Post(receiver.url(), std::string(body_size, 'x')));
        };
        CHECK(send().http_status == 200);
        const TransportResult lost = send();
        CHECK(lost.outcome == TransportOutcome::kProtocolError);
        CHECK(lost.http_status == 0);
        CHECK(lost.error.find("connection") != std::string::npos);
      }
      CHECK(heads_count == 10);
      CHECK(receiver.accepted_count() == 5);
    }
  }
}

TEST_CASE("curl_connections: one that the receiver wants closed is not used again") {
  const Receiver receiver([](Peer& peer) {
    ReceivedRequest request;
    if (!peer.Read(&request)) return;
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    peer.WaitForClose();
  });
  TransportDriver driver;
  for (int i = 0; i < 3; ++i) driver.Exchange(receiver.url());
  CHECK(AreAll(driver, TransportOutcome::kResponse));
  CHECK(receiver.accepted_count() == 3);
}

TEST_CASE("curl_connections: surplus bytes are not the answer to the next request") {
  const Receiver receiver([](Peer& peer) {
    ReceivedRequest request;
    while (peer.Read(&request)) {
      peer.Write(absl::StrCat(kOk, "HTTP/1.1 299 Smuggled\r\nContent-Length: 0\r\n\r\n"));
    }
  });
  TransportDriver driver;
  for (int i = 0; i < 10; ++i) CHECK(driver.Exchange(receiver.url()).http_status == 200);
}

TEST_CASE("curl_connections: a thousand requests are on their way at once") {
  constexpr int kRequestsCount = 1000;
  rlimit files = {};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);

  absl::BlockingCounter arriving(kRequestsCount);
  std::atomic<bool> have_all_arrived = false;
  const Receiver receiver([&](Peer& peer) {
    ReceivedRequest request;
    const bool has_read = peer.Read(&request);
    arriving.DecrementCount();
    while (has_read && !have_all_arrived) absl::SleepFor(absl::Milliseconds(5));
    peer.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", request.body.size(), "\r\n\r\n",
                            request.body));
  });
  std::thread watcher([&] {
    arriving.Wait();
    have_all_arrived = true;
  });
  TransportDriver driver({.allowed_networks = {"127.0.0.0/8"}, .connections_max = kRequestsCount});
  for (int i = 0; i < kRequestsCount; ++i) {
    OutgoingRequest request = TransportDriver::Post(receiver.url(), absl::StrCat(i));
    request.timeout = absl::Seconds(60);
    driver.Send(std::move(request));
  }
  driver.Run();
  watcher.join();
  CHECK(AreAll(driver, TransportOutcome::kResponse));
  CHECK(receiver.accepted_count() == kRequestsCount);
  std::vector<int> answered(kRequestsCount);
  for (const TransportResult& result : driver.results()) ++answered[std::stoi(result.body)];
  CHECK(answered == std::vector<int>(kRequestsCount, 1));
}

TEST_CASE("curl_connections: more requests than connections wait for their turn") {
  std::atomic<int> open_count = 0;
  std::atomic<int> open_count_max = 0;
  const Receiver receiver([&](Peer& peer) {
    const int open = ++open_count;
    int seen = open_count_max;
    while (seen < open && !open_count_max.compare_exchange_weak(seen, open)) {
    }
    ReceivedRequest request;
    while (peer.Read(&request)) {
      peer.Write(kOk);
    }
    --open_count;
  });
  TransportDriver driver({.allowed_networks = {"127.0.0.0/8"}, .connections_max = 8});
  for (int i = 0; i < 500; ++i) driver.Send(TransportDriver::Post(receiver.url()));
  driver.Run();
  CHECK(AreAll(driver, TransportOutcome::kResponse));
  CHECK(receiver.accepted_count() <= 16);  // a lost one is replaced
  CHECK(open_count_max <= 8);
}

TEST_CASE("curl_connections: receivers that hang do not hold up the others") {
  const Receiver hanging(NeverAnswer);
  const Receiver receiver(AnswerAll);
  TransportDriver driver;
  int hanging_count = 0;
  for (int i = 0; i < 50; ++i) {
    driver.transport().Send(TransportDriver::Post(hanging.url()),
                            [&](TransportResult) { ++hanging_count; });
  }
  for (int i = 0; i < 200; ++i) driver.Exchange(receiver.url());
  CHECK(AreAll(driver, TransportOutcome::kResponse));
  CHECK(hanging_count == 0);
  driver.transport().Cancel();
  CHECK(hanging_count == 50);
}

TEST_CASE("curl_connections: Cancel ends everything at once, exactly once, and leaves it usable") {
  const Receiver hanging(NeverAnswer);
  const Receiver receiver(AnswerAll);
  TransportDriver driver;
  for (int i = 0; i < 40; ++i) driver.Send(TransportDriver::Post(hanging.url()));
  driver.transport().Step();
  for (int i = 0; i < 10; ++i) driver.Send(TransportDriver::Post(hanging.url()));
  driver.Send(TransportDriver::Post("nonsense"));
  driver.transport().Cancel();
  REQUIRE(driver.results().size() == 51);
  CHECK(AreAll(driver, TransportOutcome::kCancelled));
  driver.transport().Cancel();
  driver.transport().Step();
  CHECK(driver.results().size() == 51);
  CHECK(driver.Exchange(receiver.url()).outcome == TransportOutcome::kResponse);
}

TEST_CASE("curl_connections: a transport may go while requests are on their way") {
  const Receiver hanging(NeverAnswer);
  for (int stepped = 0; stepped < 2; ++stepped) {
    TransportDriver driver;
    for (int i = 0; i < 20; ++i) driver.Send(TransportDriver::Post(hanging.url()));
    if (stepped == 1) driver.transport().Step();
  }
}

TEST_CASE("curl_connections: completions run within Step, never within Send") {
  const Receiver receiver(AnswerAll);
  TransportDriver driver;
  for (const std::string& url : {std::string("nonsense"), receiver.url()}) {
    bool is_sending = true;
    bool has_run = false;
    bool has_run_within_send = false;
    driver.transport().Send(TransportDriver::Post(url), [&](TransportResult) {
      has_run = true;
      has_run_within_send = is_sending;
    });
    is_sending = false;
    driver.Exchange(receiver.url());  // keeps the loop going
    while (!has_run) driver.Exchange(receiver.url());
    CHECK_FALSE(has_run_within_send);
  }
}

TEST_CASE("curl_connections: a refusal of what a completion sends is told without delay") {
  const Receiver hanging(NeverAnswer);
  const Receiver receiver(AnswerAll);
  TransportDriver driver;
  OutgoingRequest slow = TransportDriver::Post(hanging.url());
  slow.timeout = absl::Minutes(10);  // its timer must not stand in the way
  driver.transport().Send(std::move(slow), [](TransportResult) {});
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 4; ++i) {
      driver.transport().Send(TransportDriver::Post(receiver.url()), [&](TransportResult) {
        driver.Send(TransportDriver::Post("nonsense"));
      });
    }
    const size_t wanted = static_cast<size_t>(round + 1) * 4;
    while (driver.sent_count() < wanted) driver.Step();
    driver.Run();
  }
  CHECK(driver.results().size() == 80);
  CHECK(AreAll(driver, TransportOutcome::kInvalidUrl));
  driver.transport().Cancel();
}

}  // namespace
}  // namespace convoy

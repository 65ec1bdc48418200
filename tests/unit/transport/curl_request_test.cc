// Requests of the curl transport on the wire.
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"
#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::Peer;
using testing::ReceivedRequest;
using testing::Receiver;
using testing::TransportDriver;

// Keeps what it is sent and answers 200.
class RecordingReceiver {
 public:
  RecordingReceiver()
      : receiver_([this](Peer& peer) {
          ReceivedRequest request;
          while (peer.Read(&request)) {
            {
              absl::MutexLock lock(&mutex_);
              requests_.push_back(std::move(request));
            }
            peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
          }
        }) {}

  const Receiver& receiver() const { return receiver_; }
  std::vector<ReceivedRequest> requests() {
    absl::MutexLock lock(&mutex_);
    return requests_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<ReceivedRequest> requests_ ABSL_GUARDED_BY(mutex_);
  const Receiver receiver_;  // first to go: its threads write to the rest
};

TEST_CASE("curl_request: nothing but the request and what HTTP demands is on the wire") {
  RecordingReceiver recording;
  TransportDriver driver;
  OutgoingRequest request = TransportDriver::Post(recording.receiver().url() + "?q=%20#part", "{}");
  request.headers = {{"Content-Type", "text/x"}, {"X-A", "1"},    {"x-a", "2"}, {"X-Empty", ""},
                     {"X-Blank", "  "},          {"X-B", "\t c "}};
  CHECK(driver.Exchange(std::move(request)).outcome == TransportOutcome::kResponse);
  const std::vector<ReceivedRequest> requests = recording.requests();
  REQUIRE(requests.size() == 1);
  const std::vector<std::string> lines = absl::StrSplit(requests[0].head, "\r\n");
  CHECK(lines ==
        std::vector<std::string>{"POST /inbox?q=%20 HTTP/1.1",
                                 absl::StrCat("Host: 127.0.0.1:", recording.receiver().port()),
                                 "Content-Type: text/x", "X-A: 1", "x-a: 2",
                                 "X-Empty:", "X-Blank:", "X-B: c", "Content-Length: 2", "", ""});
  CHECK(requests[0].body == "{}");
}

TEST_CASE("curl_request: a body arrives byte for byte") {
  RecordingReceiver recording;
  TransportDriver driver;
  std::string every_byte;
  for (int value = 0; value < 256; ++value) every_byte.push_back(static_cast<char>(value));
  std::string large(5 * 1024 * 1024, '\0');
  testing::SeededRandom random(7);
  random.Fill({reinterpret_cast<uint8_t*>(large.data()), large.size()});
  const std::vector<std::string> bodies = {every_byte, large, "", std::string(1, '\0'), "\r\n\r\n"};
  for (const std::string& body : bodies) {
    const TransportResult result =
        driver.Exchange(TransportDriver::Post(recording.receiver().url(), body));
    CHECK(result.outcome == TransportOutcome::kResponse);
  }
  const std::vector<ReceivedRequest> requests = recording.requests();
  REQUIRE(requests.size() == bodies.size());
  for (size_t i = 0; i < bodies.size(); ++i) {
    INFO(i);
    CHECK((requests[i].body == bodies[i]));
    CHECK(requests[i].head.find(absl::StrCat("\r\nContent-Length: ", bodies[i].size(), "\r\n")) !=
          std::string::npos);
    CHECK(requests[i].head.find("Expect") == std::string::npos);
  }
}

TEST_CASE("curl_request: a request without a body is one with an empty body") {
  RecordingReceiver recording;
  TransportDriver driver;
  OutgoingRequest request;
  request.url = recording.receiver().url();
  CHECK(driver.Exchange(std::move(request)).outcome == TransportOutcome::kResponse);
  REQUIRE(recording.requests().size() == 1);
  CHECK(recording.requests()[0].head.find("\r\nContent-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("curl_request: headers cannot be smuggled in") {
  RecordingReceiver recording;
  TransportDriver driver;
  const std::string zero(1, '\0');
  const Header wicked[] = {{"X-A", "1\r\nX-Smuggled: 1"},
                           {"X-A", "1\nX-Smuggled: 1"},
                           {"X-A", "1\rX-Smuggled: 1"},
                           {"X-A", "1\r\n\r\nPOST /smuggled HTTP/1.1"},
                           {"X-A", "\r\n folded"},
                           {"X-A", "a" + zero + "b"},
                           {"X-A", "\x7f"},
                           {"X-A", "\x1b[2J"},
                           {"X-A\r\nX-Smuggled", "1"},
                           {"X-A: 1\nX-Smuggled", "1"},
                           {"X-Smuggled:", "1"},
                           {"X Smuggled", "1"},
                           {"X-A" + zero, "1"},
                           {"", "1"},
                           {"@/etc/passwd", "1"},
                           {"X-A;", "1"}};
  for (const Header& header : wicked) {
    INFO(header.name << " = " << header.value);
    OutgoingRequest request = TransportDriver::Post(recording.receiver().url());
    request.headers = {{"X-First", "1"}, header};
    const TransportResult result = driver.Exchange(std::move(request));
    CHECK(result.outcome == TransportOutcome::kInvalidUrl);
    CHECK(result.error == "a header has a name or value that HTTP does not allow");
  }
  CHECK(recording.receiver().accepted_count() == 0);
  // Options left on the handle by a refused request do not appear in the next one.
  CHECK(driver.Exchange(recording.receiver().url()).outcome == TransportOutcome::kResponse);
  REQUIRE(recording.requests().size() == 1);
  CHECK(recording.requests()[0].head.find("X-") == std::string::npos);
}

TEST_CASE("curl_request: bytes beyond ASCII in a header value pass as they are") {
  RecordingReceiver recording;
  TransportDriver driver;
  OutgoingRequest request = TransportDriver::Post(recording.receiver().url());
  request.headers = {{"X-Name", "J\xc3\xb6rg \xff"}};
  CHECK(driver.Exchange(std::move(request)).outcome == TransportOutcome::kResponse);
  REQUIRE(recording.requests().size() == 1);
  CHECK(recording.requests()[0].head.find("\r\nX-Name: J\xc3\xb6rg \xff\r\n") != std::string::npos);
}

}  // namespace
}  // namespace convoy

// The guard where it counts: in the curl transport, on the address that a connection is about to be
// made to, whatever the URL and the name service say.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/scripted_resolver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::Answer;
using testing::Receiver;
using testing::ScriptName;
using testing::TransportDriver;

const char* const kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

void CheckDenied(const TransportResult& result) {
  CHECK(result.outcome == TransportOutcome::kDeniedAddress);
  CHECK(result.http_status == 0);
  CHECK(result.remote_ip.empty());
  CHECK(result.error == "the address is not allowed: deliveries go to public addresses only");
}

TEST_CASE("curl_address: local addresses are refused however they are spelled") {
  const Receiver receiver(Answer(kOk), "0.0.0.0");
  TransportDriver driver(CurlTransportOptions{});
  for (const char* host :
       {"127.0.0.1",       "127.1",        "0x7f.1",      "0x7f000001",      "2130706433",
        "0177.0.0.1",      "017700000001", "127.0.0.1.",  "localhost",       "LOCALHOST",
        "localhost.",      "0.0.0.0",      "0",           "127.254.254.1",   "10.0.0.1",
        "172.16.0.1",      "192.168.0.1",  "169.254.1.1", "169.254.169.254", "100.100.100.200",
        "255.255.255.255", "224.0.0.1",    "192.0.2.1",   "198.18.0.1",      "%31%32%37.0.0.1",
        "127。0。0。1"}) {
    INFO(host);
    const TransportResult result = driver.Exchange(receiver.url(host));
    // A spelling that is not understood is as good as refused.
    if (result.outcome != TransportOutcome::kNameNotResolved &&
        result.outcome != TransportOutcome::kInvalidUrl) {
      CheckDenied(result);
    }
  }
  for (const char* host : {"127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost", "10.0.0.1"}) {
    INFO(host);
    CheckDenied(driver.Exchange(receiver.url(host)));
  }
  CHECK(receiver.accepted_count() == 0);
}

TEST_CASE("curl_address: local IPv6 addresses are refused, IPv4 within IPv6, too") {
  const Receiver receiver(Answer(kOk), "0.0.0.0");
  TransportDriver driver(CurlTransportOptions{});
  for (const char* host :
       {"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]",
        "[2001:0:7f00:1::]", "[fe80::1]", "[fd00::1]", "[fd00:ec2::254]", "[ff02::1]", "[4000::1]",
        "[2001:db8::1]"}) {
    INFO(host);
    CheckDenied(driver.Exchange(receiver.url(host)));
  }
  CHECK(receiver.accepted_count() == 0);
}

TEST_CASE("curl_address: a name is judged by what it resolves to") {
  const Receiver receiver(Answer(kOk), "0.0.0.0");
  TransportDriver driver({.allowed_networks = {"127.0.0.1/32"}});
  int number = 0;
  for (const char* address : {"127.0.0.2", "10.1.2.3", "169.254.169.254", "192.168.1.1", "::1",
                              "fe80::1", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0"}) {
    INFO(address);
    const std::string name = absl::StrCat("inner", number++, ".test");
    ScriptName(name, {{address}});
    CheckDenied(driver.Exchange(receiver.url(name)));
  }
  CHECK(receiver.accepted_count() == 0);
  ScriptName("good.test", {{"127.0.0.1"}});
  const TransportResult good = driver.Exchange(receiver.url("good.test"));
  CHECK(good.outcome == TransportOutcome::kResponse);
  CHECK(good.remote_ip == "127.0.0.1");
}

TEST_CASE("curl_address: of several addresses only the allowed ones are tried") {
  const Receiver inner(Answer(kOk), "127.0.0.2");
  const Receiver outer(Answer(kOk), "127.0.0.1", inner.port());
  TransportDriver driver({.allowed_networks = {"127.0.0.1/32"}});
  ScriptName("mixed.test", {{"127.0.0.2", "10.0.0.1", "127.0.0.1"}});
  const TransportResult result = driver.Exchange(outer.url("mixed.test"));
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.remote_ip == "127.0.0.1");
  ScriptName("all-inner.test", {{"127.0.0.2", "10.0.0.1", "::1"}});
  CheckDenied(driver.Exchange(outer.url("all-inner.test")));
  CHECK(outer.accepted_count() == 1);
  CHECK(inner.accepted_count() == 0);
}

TEST_CASE("curl_address: a name that changes its mind between requests is judged each time") {
  const Receiver outer(Answer(kOk), "127.0.0.1");
  const Receiver inner(Answer(kOk), "127.0.0.2");
  TransportDriver driver({.allowed_networks = {"127.0.0.1/32"}});
  ScriptName("rebind.test", {{"127.0.0.1"}, {"127.0.0.2"}});
  CHECK(driver.Exchange(outer.url("rebind.test")).outcome == TransportOutcome::kResponse);
  // Another port is another question to the resolver; its second answer is the wicked one.
  CheckDenied(driver.Exchange(inner.url("rebind.test")));
  CHECK(testing::QuestionsCount("rebind.test") == 2);
  CHECK(inner.accepted_count() == 0);
}

TEST_CASE("curl_address: a handle that was refused once serves the next request") {
  // It closes after each answer, and says so: else the next request may meet a connection that is
  // about to close.
  const Receiver receiver(
      Answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
  TransportDriver driver({.allowed_networks = {"127.0.0.1/32"}});
  for (int round = 0; round < 3; ++round) {
    CheckDenied(driver.Exchange("http://10.0.0.1/"));
    const TransportResult result = driver.Exchange(receiver.url());
    INFO(result.error);
    CHECK(result.outcome == TransportOutcome::kResponse);
    CHECK(driver.Exchange("ftp://127.0.0.1/").outcome == TransportOutcome::kInvalidUrl);
  }
}

TEST_CASE("curl_address: an unknown name and a closed port are told apart") {
  TransportDriver driver;
  ScriptName("gone.test", {{}});
  const TransportResult unknown = driver.Exchange("http://gone.test/");
  CHECK(unknown.outcome == TransportOutcome::kNameNotResolved);
  CHECK(unknown.remote_ip.empty());
  int port = 0;
  {
    const Receiver receiver(Answer(kOk));
    port = receiver.port();
  }
  const TransportResult closed = driver.Exchange(absl::StrCat("http://127.0.0.1:", port, "/"));
  CHECK(closed.outcome == TransportOutcome::kConnectFailed);
}

TEST_CASE("curl_address: a connection that is never accepted times out") {
  // A full backlog: the kernel answers no further SYN.
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  REQUIRE(bind(listening, reinterpret_cast<sockaddr*>(&name), size) == 0);
  REQUIRE(listen(listening, 0) == 0);
  REQUIRE(getsockname(listening, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  std::vector<int> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(connect(waiting.back(), reinterpret_cast<sockaddr*>(&name), size));
  }
  TransportDriver driver;
  OutgoingRequest request =
      TransportDriver::Post(absl::StrCat("http://127.0.0.1:", ntohs(name.sin_port), "/"));
  request.timeout = absl::Milliseconds(300);
  const TransportResult result = driver.Exchange(std::move(request));
  CHECK(result.outcome == TransportOutcome::kTimedOut);
  CHECK(result.error == "timed out connecting (300ms)");
  for (const int fd : waiting) close(fd);
  close(listening);
}

TEST_CASE("curl_address: proxies of the environment are ignored") {
  const Receiver proxy(Answer(kOk));
  const Receiver receiver(Answer(kOk));
  const char* const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                               "ALL_PROXY"};
  for (const char* name : names) setenv(name, proxy.url().c_str(), 1);
  TransportDriver driver;
  CHECK(driver.Exchange(receiver.url()).outcome == TransportOutcome::kResponse);
  CheckDenied(TransportDriver(CurlTransportOptions{}).Exchange("http://10.0.0.1/"));
  for (const char* name : names) unsetenv(name);
  CHECK(proxy.accepted_count() == 0);
  CHECK(receiver.accepted_count() == 1);
}

TEST_CASE("curl_address: URLs that are not plain http or https are not used") {
  const Receiver receiver(Answer(kOk));
  TransportDriver driver;
  const std::string authority = absl::StrCat("127.0.0.1:", receiver.port());
  for (const std::string& url : {std::string(),
                                 std::string("nonsense"),
                                 std::string("http://"),

                                 absl::StrCat("ftp://", authority, "/"),
                                 absl::StrCat("gopher://", authority, "/_x"),
                                 absl::StrCat("ws://", authority, "/"),
                                 absl::StrCat("telnet://", authority),
                                 std::string("file:///etc/passwd"),
                                 absl::StrCat("http://user:hunter2@", authority, "/"),
                                 absl::StrCat("http://user@", authority, "/"),
                                 absl::StrCat("http://", authority, "/a b"),
                                 absl::StrCat("http://", authority, "/a\r\nX: 1"),
                                 absl::StrCat("http://", authority, "/\n"),
                                 absl::StrCat("http://", authority, "/\t"),
                                 absl::StrCat(" http://", authority, "/"),
                                 absl::StrCat("http://", authority, "/\x7f"),
                                 absl::StrCat("//", authority, "/"),
                                 std::string("http://127.0.0.1:99999/"),
                                 std::string("http://127.0.0.1:-1/"),
                                 absl::StrCat("http://", authority, "/", std::string(1, '\0'))}) {
    INFO(url);
    const TransportResult result = driver.Exchange(url);
    CHECK(result.outcome == TransportOutcome::kInvalidUrl);
    CHECK_FALSE(result.error.empty());
    CHECK(result.error.find("hunter2") == std::string::npos);
  }
  CHECK(receiver.accepted_count() == 0);
}

}  // namespace
}  // namespace convoy

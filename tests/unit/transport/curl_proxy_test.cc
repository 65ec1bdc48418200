// Proxies of the curl transport: the one that is configured, and none that the environment names.
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/python_server.h"
#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::Peer;
using testing::PythonServer;
using testing::ReceivedRequest;
using testing::Receiver;
using testing::TransportDriver;

// The proxy variables of the environment, for as long as it lives.
class ProxyEnvironment {
 public:
  explicit ProxyEnvironment(const std::string& proxy) {
    for (const char* name : kNames) setenv(name, proxy.c_str(), 1);
    setenv("no_proxy", "*", 1);
  }
  ~ProxyEnvironment() {
    for (const char* name : kNames) unsetenv(name);
    unsetenv("no_proxy");
  }

 private:
  static constexpr const char* kNames[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                           "ALL_PROXY"};
};

// No address is allowed but what a test says.
CurlTransportOptions Options(std::string proxy, std::vector<std::string> allowed = {}) {
  return {.allowed_networks = std::move(allowed),
          .ca_file = absl::StrCat(CONVOY_TEST_DIR, "/unit/transport/certificates/authority.crt"),
          .proxy = std::move(proxy)};
}

Receiver::Behaviour AnswerEach(std::string body) {
  return [body](Peer& peer) {
    for (ReceivedRequest request; peer.Read(&request);) {
      peer.Write(
          absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
    }
  };
}

TEST_CASE("curl_proxy: the environment names none") {
  const Receiver proxy(AnswerEach("proxy"));
  const Receiver receiver(AnswerEach("receiver"));
  const ProxyEnvironment environment(proxy.url());
  TransportDriver driver;
  CHECK(driver.Exchange(receiver.url()).body == "receiver");
  // Straight to one that speaks no TLS and waits for more.
  OutgoingRequest secured =
      TransportDriver::Post(absl::StrCat("https://127.0.0.1:", receiver.port(), "/"));
  secured.timeout = absl::Milliseconds(200);
  CHECK(driver.Exchange(std::move(secured)).error == "timed out in the TLS handshake (200ms)");
  CHECK(receiver.accepted_count() == 2);
  CHECK(proxy.accepted_count() == 0);
}

TEST_CASE("curl_proxy: the environment does not lead past the configured one") {
  const PythonServer proxy("unit/transport/http_proxy.py", {});
  const Receiver receiver(AnswerEach("receiver"));
  const ProxyEnvironment environment("http://127.0.0.1:1");
  TransportDriver driver(Options(absl::StrCat("http://user:word@127.0.0.1:", proxy.port())));
  const std::string authority = absl::StrCat("endpoint.test:", receiver.port());
  for (int i = 0; i < 2; ++i) {
    const TransportResult result = driver.Exchange(absl::StrCat("http://", authority, "/a?b=c"));
    CHECK(result.body == "receiver");
    CHECK(proxy.ReadLine() == absl::StrCat("POST http://", authority,
                                           "/a?b=c HTTP/1.1 Proxy-Authorization: Basic "
                                           "dXNlcjp3b3Jk"));
  }
}

TEST_CASE("curl_proxy: TLS goes through a tunnel, to the end that the URL names") {
  const PythonServer proxy("unit/transport/http_proxy.py", {});
  const std::string folder = absl::StrCat(CONVOY_TEST_DIR, "/unit/transport/certificates/");
  const PythonServer receiver("unit/transport/tls_receiver.py",
                              {folder + "right.crt", folder + "right.key"});
  TransportDriver driver(Options(absl::StrCat("http://127.0.0.1:", proxy.port())));
  const std::string url = absl::StrCat("https://right.test:", receiver.port(), "/");
  const TransportResult first = driver.Exchange(url);
  CHECK(first.error == "");
  CHECK(first.body == "1");
  CHECK(first.headers.size() == 1);         // none of the proxy
  CHECK(driver.Exchange(url).body == "2");  // the kept tunnel
  CHECK(proxy.ReadLine() == absl::StrCat("CONNECT right.test:", receiver.port(), " HTTP/1.1"));
  const TransportResult wrong =
      driver.Exchange(absl::StrCat("https://wrong.test:", receiver.port(), "/"));
  CHECK(wrong.outcome == TransportOutcome::kTlsFailed);
}

TEST_CASE("curl_proxy: a proxy that refuses to connect is told from an endpoint that refuses") {
  const PythonServer proxy("unit/transport/http_proxy.py", {"403"});
  TransportDriver driver(Options(absl::StrCat("http://127.0.0.1:", proxy.port())));
  const TransportResult result = driver.Exchange("https://right.test/");
  CHECK(result.outcome == TransportOutcome::kConnectFailed);
  CHECK(result.http_status == 0);
  CHECK(result.error == "the proxy (delivery_proxy) answered 403 instead of connecting");
}

TEST_CASE("curl_proxy: a proxy that wants other credentials says nothing about the endpoint") {
  const PythonServer proxy("unit/transport/http_proxy.py", {"407"});
  TransportDriver driver(Options(absl::StrCat("http://127.0.0.1:", proxy.port())));
  const TransportResult result = driver.Exchange("https://right.test/");
  CHECK(result.outcome == TransportOutcome::kLocalFailure);
  CHECK_THAT(result.error, Catch::Matchers::StartsWith("the proxy (delivery_proxy) answered 407"));
}

TEST_CASE("curl_proxy: a proxy whose certificate is refused says nothing about the endpoint") {
  const std::string folder = absl::StrCat(CONVOY_TEST_DIR, "/unit/transport/certificates/");
  const PythonServer proxy("unit/transport/tls_receiver.py",
                           {folder + "selfsigned.crt", folder + "selfsigned.key"});
  TransportDriver driver(Options(absl::StrCat("https://127.0.0.1:", proxy.port())));
  for (const char* url : {"http://endpoint.test/", "https://endpoint.test/"}) {
    const TransportResult result = driver.Exchange(url);
    CHECK(result.outcome == TransportOutcome::kLocalFailure);
    CHECK_THAT(result.error, Catch::Matchers::StartsWith(
                                 "the TLS handshake with the proxy (delivery_proxy) failed: "));
  }
}

TEST_CASE("curl_proxy: a proxy that is not there says nothing about the endpoint") {
  TransportDriver driver(Options("http://127.0.0.1:1"));
  for (const char* url : {"http://endpoint.test/", "https://endpoint.test/"}) {
    const TransportResult result = driver.Exchange(url);
    CHECK(result.outcome == TransportOutcome::kLocalFailure);
    CHECK(result.error == "the proxy (delivery_proxy) cannot be reached: connection refused");
  }
}

TEST_CASE("curl_proxy: addresses that a URL spells are judged before the proxy is asked") {
  const Receiver proxy(AnswerEach("proxy"));
  TransportDriver driver(Options(proxy.url(), {"10.0.0.0/8:8080"}));
  for (const char* url : {"http://127.0.0.1/", "http://127.1/", "http://2130706433/",
                          "http://0x7f.1/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
                          "https://169.254.169.254/", "http://localhost/", "http://a.LOCALHOST./",
                          "http://10.0.0.1/", "http://10.0.0.1:8081/", "http://127.0.0.1./"}) {
    INFO(url);
    const TransportResult result = driver.Exchange(url);
    CHECK(result.outcome == TransportOutcome::kDeniedAddress);
  }
  CHECK(proxy.accepted_count() == 0);
  CHECK(driver.Exchange("http://10.0.0.1:8080/").body == "proxy");
  CHECK(driver.Exchange("http://93.184.216.34/").body == "proxy");
}

TEST_CASE("curl_proxy: what is no proxy is told at once, without its password") {
  for (const char* proxy :
       {"ftp://h:1", "socks5://h:1", "h:1", "http://", "http://u:word@", "http://h:x"}) {
    INFO(proxy);
    const auto transport = NewCurlTransport({.proxy = proxy});
    REQUIRE(absl::IsInvalidArgument(transport.status()));
    CHECK(transport.status().message().find("word") == std::string::npos);
  }
  for (const char* proxy : {"http://h:1", "https://u:p@h", "socks5h://[::1]:1080"}) {
    CHECK(NewCurlTransport({.proxy = proxy}).ok());
  }
}

}  // namespace
}  // namespace convoy

// Certificates that the curl transport accepts.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/python_server.h"
#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/scripted_resolver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::Receiver;
using testing::ScriptName;
using testing::TransportDriver;

const std::string kFolder = absl::StrCat(CONVOY_TEST_DIR, "/unit/transport/");

std::string CertificatePath(std::string_view name) {
  return absl::StrCat(kFolder, "certificates/", name, ".crt");
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// tls_receiver.py with the certificate of that name. With a version of TLS it speaks that one, and
// demands certificates of clients.
class TlsReceiver {
 public:
  explicit TlsReceiver(const std::string& certificate, const char* demanding_version = nullptr)
      : server_("unit/transport/tls_receiver.py", ArgumentsOf(certificate, demanding_version)) {}

  std::string url(std::string_view host) const {
    return absl::StrCat("https://", host, ":", server_.port(), "/inbox");
  }

 private:
  static std::vector<std::string> ArgumentsOf(const std::string& certificate,
                                              const char* demanding_version) {
    std::vector<std::string> arguments = {
        CertificatePath(certificate), absl::StrCat(kFolder, "certificates/", certificate, ".key")};
    if (demanding_version != nullptr) {
      arguments.push_back(CertificatePath("clients"));
      arguments.push_back(demanding_version);
    }
    return arguments;
  }

  const testing::PythonServer server_;
};

CurlTransportOptions Options(std::string ca_file) {
  return {.allowed_networks = {"127.0.0.0/8"}, .ca_file = std::move(ca_file)};
}

void CheckTlsFailed(const TransportResult& result) {
  CHECK(result.outcome == TransportOutcome::kTlsFailed);
  CHECK(result.http_status == 0);
  CHECK_FALSE(result.error.empty());
}

TEST_CASE("curl_tls: a certificate of a trusted authority for the right name is taken") {
  ScriptName("right.test", {{"127.0.0.1"}});
  ScriptName("a.wild.test", {{"127.0.0.1"}});
  TransportDriver driver(Options(CertificatePath("authority")));
  const TlsReceiver right("right");
  const TransportResult first = driver.Exchange(right.url("right.test"));
  CHECK(first.body == "1");
  CHECK(first.phases.tls > absl::ZeroDuration());
  const TransportResult second = driver.Exchange(right.url("right.test"));
  CHECK(second.body == "2");
  CHECK(second.phases.tls == absl::ZeroDuration());
  CHECK(driver.Exchange(TlsReceiver("wildcard").url("a.wild.test")).body == "1");
  CHECK(driver.Exchange(TlsReceiver("numeric").url("127.0.0.1")).body == "1");
}

TEST_CASE("curl_tls: a certificate for another name is refused, and nothing is sent") {
  for (const char* name : {"wrong.test", "right.test.evil.test", "wild.test", "a.b.wild.test"}) {
    ScriptName(name, {{"127.0.0.1"}});
  }
  TransportDriver driver(Options(CertificatePath("authority")));
  const TlsReceiver right("right");
  CheckTlsFailed(driver.Exchange(right.url("wrong.test")));
  CheckTlsFailed(driver.Exchange(right.url("right.test.evil.test")));
  CheckTlsFailed(driver.Exchange(right.url("127.0.0.1")));
  const TlsReceiver wildcard("wildcard");
  CheckTlsFailed(driver.Exchange(wildcard.url("wild.test")));
  CheckTlsFailed(driver.Exchange(wildcard.url("a.b.wild.test")));
  ScriptName("right.test", {{"127.0.0.1"}});
  CHECK(driver.Exchange(right.url("right.test")).body == "1");  // the first that it has read
}

TEST_CASE("curl_tls: self-signed, foreign and expired certificates are refused") {
  ScriptName("right.test", {{"127.0.0.1"}});
  TransportDriver trusting(Options(CertificatePath("authority")));
  CheckTlsFailed(trusting.Exchange(TlsReceiver("selfsigned").url("right.test")));
  CheckTlsFailed(trusting.Exchange(TlsReceiver("expired").url("right.test")));
  const TlsReceiver right("right");
  TransportDriver ordinary(Options(""));  // the system's authorities know nothing of ours
  CheckTlsFailed(ordinary.Exchange(right.url("right.test")));
  CHECK(trusting.Exchange(right.url("right.test")).body == "1");
}

TEST_CASE("curl_tls: a file of authorities that cannot be read is told at once") {
  for (const std::string& path : {kFolder + "missing.crt", kFolder}) {
    const auto transport = NewCurlTransport(Options(path));
    CHECK(absl::IsInvalidArgument(transport.status()));
  }
}

OutgoingRequest PostAs(const std::string& url, const std::string& client) {
  OutgoingRequest request = TransportDriver::Post(url);
  request.tls = std::make_shared<const EndpointTls>(
      EndpointTls{.client_certificate = ReadFile(CertificatePath(client)),
                  .client_key = ReadFile(absl::StrCat(kFolder, "certificates/", client, ".key"))});
  return request;
}

TEST_CASE("curl_tls: a client certificate is shown where it is asked for") {
  ScriptName("right.test", {{"127.0.0.1"}});
  const char* const version = GENERATE("TLSv1_2", "TLSv1_3");
  INFO(version);
  const TlsReceiver receiver("right", version);
  const std::string url = receiver.url("right.test");
  TransportDriver driver(Options(CertificatePath("authority")));
  CHECK(driver.Exchange(PostAs(url, "client_one")).body == "1 one 1");
  CHECK(driver.Exchange(PostAs(url, "client_one")).body == "2 one 1");  // the kept connection
  // None, a foreign and an expired one: refused, and nothing is read.
  const TransportResult none = driver.Exchange(url);
  CheckTlsFailed(none);
  const TransportResult foreign = driver.Exchange(PostAs(url, "selfsigned"));
  CheckTlsFailed(foreign);
  CheckTlsFailed(driver.Exchange(PostAs(url, "client_expired")));
  if (version == std::string("TLSv1_3")) {
    CHECK(none.error.find("may ask for a client certificate") != std::string::npos);
    CHECK(foreign.error.find("mtls_client_cert") != std::string::npos);
  }
  CHECK(driver.Exchange(PostAs(url, "client_one")).body.starts_with("3 one "));
}

TEST_CASE("curl_tls: no connection is used with the credentials of another endpoint") {
  ScriptName("right.test", {{"127.0.0.1"}});
  const TlsReceiver receiver("right", "TLSv1_3");
  const std::string url = receiver.url("right.test");
  TransportDriver driver(Options(CertificatePath("authority")));
  int requests_count = 0;
  for (int round = 1; round <= 3; ++round) {
    for (const char* client : {"one", "two"}) {
      INFO(round << " " << client);
      // Each goes on on its own connection.
      CHECK(driver.Exchange(PostAs(url, absl::StrCat("client_", client))).body ==
            absl::StrCat(++requests_count, " ", client, " ", client[0] == 'o' ? 1 : 2));
    }
  }
  // At once, too.
  for (int i = 0; i < 20; ++i) driver.Send(PostAs(url, i % 2 == 0 ? "client_one" : "client_two"));
  driver.Run();
  size_t ones_count = 0;
  for (size_t i = 6; i < driver.results().size(); ++i) {
    CHECK(driver.results()[i].http_status == 200);
    ones_count += driver.results()[i].body.find(" one ") != std::string::npos ? 1 : 0;
  }
  CHECK(ones_count == 10);
}

TEST_CASE("curl_tls: authorities of an endpoint take the place of the instance's, for it alone") {
  ScriptName("right.test", {{"127.0.0.1"}});
  const TlsReceiver receiver("right");
  const std::string url = receiver.url("right.test");
  const auto trusting = [&](const char* authority) {
    OutgoingRequest request = TransportDriver::Post(url);
    request.tls = std::make_shared<const EndpointTls>(
        EndpointTls{.ca_bundle = ReadFile(CertificatePath(authority))});
    return request;
  };
  TransportDriver driver(Options(""));
  CHECK(driver.Exchange(trusting("authority")).body == "1");
  CHECK(driver.Exchange(trusting("authority")).body == "2");
  const TransportResult foreign = driver.Exchange(trusting("clients"));
  CheckTlsFailed(foreign);
  CHECK(foreign.error ==
        "the certificate is not signed by an authority of the endpoint's tls_ca_bundle");
  CheckTlsFailed(driver.Exchange(url));  // those of the system do not know it
  CHECK(driver.Exchange(trusting("authority")).body == "3");
}

TEST_CASE("curl_tls: a receiver that speaks no TLS, or breaks off in it, is a failure of TLS") {
  const Receiver plain([](testing::Peer& peer) {
    peer.Write("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
    peer.WaitForClose();
  });
  const Receiver abrupt([](testing::Peer&) {});
  const Receiver garbage([](testing::Peer& peer) {
    peer.Write(std::string(20'000, 'g'));
    peer.WaitForClose();
  });
  TransportDriver driver;
  for (const Receiver* receiver : {&plain, &abrupt, &garbage}) {
    CheckTlsFailed(driver.Exchange(absl::StrCat("https://127.0.0.1:", receiver->port(), "/")));
  }
}

TEST_CASE("curl_tls: a handshake that does not end times out") {
  const Receiver silent([](testing::Peer& peer) { peer.WaitForClose(); });
  TransportDriver driver;
  OutgoingRequest request =
      TransportDriver::Post(absl::StrCat("https://127.0.0.1:", silent.port(), "/"));
  request.timeout = absl::Milliseconds(300);
  const TransportResult result = driver.Exchange(std::move(request));
  CHECK(result.outcome == TransportOutcome::kTimedOut);
  CHECK(result.error == "timed out in the TLS handshake (300ms)");
}

}  // namespace
}  // namespace convoy

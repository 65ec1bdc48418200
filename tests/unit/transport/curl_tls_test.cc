// Certificates that the curl transport accepts.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

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

// tls_receiver.py with the certificate of that name, for as long as this lives.
class TlsReceiver {
 public:
  explicit TlsReceiver(const std::string& certificate) {
    int input[2];
    int output[2];
    REQUIRE(pipe(input) == 0);
    REQUIRE(pipe(output) == 0);
    const std::string script = kFolder + "tls_receiver.py";
    const std::string certificate_path = CertificatePath(certificate);
    const std::string key_path = absl::StrCat(kFolder, "certificates/", certificate, ".key");
    process_ = fork();
    if (process_ == 0) {
      dup2(input[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      close(input[1]);
      close(output[0]);
      execlp("python3", "python3", script.c_str(), certificate_path.c_str(), key_path.c_str(),
             nullptr);
      _exit(127);
    }
    close(input[0]);
    close(output[1]);
    input_fd_ = input[1];
    FILE* const printed = fdopen(output[0], "r");
    const bool has_port = fscanf(printed, "%d", &port_) == 1;
    fclose(printed);
    REQUIRE(has_port);
  }
  ~TlsReceiver() {
    close(input_fd_);
    waitpid(process_, nullptr, 0);
  }
  TlsReceiver(const TlsReceiver&) = delete;
  TlsReceiver& operator=(const TlsReceiver&) = delete;

  std::string url(std::string_view host) const {
    return absl::StrCat("https://", host, ":", port_, "/inbox");
  }

 private:
  pid_t process_ = -1;
  int input_fd_ = -1;
  int port_ = 0;
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

// Certificates that the adapter accepts, and the name that it sends by SNI: it connects by address,
// and neither may be affected.
#include "lib/broker/amqp/tls.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/broker.h"
#include "tests/support/python_server.h"
#include "tests/unit/transport/scripted_resolver.h"

namespace convoy {
namespace {

using testing::ScriptName;

const std::string kCertificates = absl::StrCat(CONVOY_TEST_DIR, "/unit/transport/certificates/");

// tls_broker.py with the certificate of that name, for as long as this lives.
class TlsBroker {
 public:
  explicit TlsBroker(const std::string& certificate, std::vector<std::string> mode = {})
      : server_("unit/broker/amqp/tls_broker.py", Arguments(certificate, std::move(mode))) {}

  int port() const { return server_.port(); }
  // The name that the next client asked for whom the handshake succeeded with.
  std::string AskedName() const { return server_.ReadLine(); }

 private:
  static std::vector<std::string> Arguments(const std::string& certificate,
                                            std::vector<std::string> mode) {
    const std::string path = kCertificates + certificate;
    mode.insert(mode.begin(), {path + ".crt", path + ".key"});
    return mode;
  }

  const testing::PythonServer server_;
};

// Error of opening a consumer at `host`; never OK, since the listener does not speak AMQP.
std::string Open(const std::string& host, const TlsBroker& broker, const char* authority) {
  ScriptName("right.test", {{"127.0.0.1"}});
  // Where OpenSSL looks for the system's authorities.
  setenv("SSL_CERT_FILE", absl::StrCat(kCertificates, authority, ".crt").c_str(), 1);
  AmqpConfig config;
  config.schema = "amqps";
  config.host = host;
  config.port = static_cast<uint16_t>(broker.port());
  config.queue = "queue";
  Source source;
  source.broker = config;
  const std::unique_ptr<Clock> clock = NewSystemClock();
  const absl::Status status =
      NewAmqpBroker()
          ->Open(source, "consumer-1", {.clock = clock.get(), .allowed_networks = {"127.0.0.0/8"}})
          .status();
  CHECK(absl::IsUnavailable(status));
  return std::string(status.message());
}

TEST_CASE("tls: a certificate of a trusted authority for the right name is taken, and asked for") {
  TlsBroker right("right");
  CHECK(absl::StartsWith(Open("right.test", right, "authority"), "cannot log in"));
  CHECK(right.AskedName() == "right.test");
  ScriptName("a.wild.test", {{"127.0.0.1"}});
  TlsBroker wildcard("wildcard");
  CHECK(absl::StartsWith(Open("a.wild.test", wildcard, "authority"), "cannot log in"));
  CHECK(wildcard.AskedName() == "a.wild.test");
}

TEST_CASE("tls: an address is compared with the certificate's addresses, and never asked for") {
  TlsBroker numeric("numeric");
  CHECK(absl::StartsWith(Open("127.0.0.1", numeric, "authority"), "cannot log in"));
  CHECK(numeric.AskedName() == "-");
  const TlsBroker right("right");
  CHECK(absl::StrContains(Open("127.0.0.1", right, "authority"), "IP address mismatch"));
}

TEST_CASE("tls: a certificate for another name is refused") {
  for (const char* name : {"wrong.test", "right.test.evil.test", "wild.test", "a.b.wild.test"}) {
    ScriptName(name, {{"127.0.0.1"}});
  }
  const TlsBroker right("right");
  CHECK(absl::StrContains(Open("wrong.test", right, "authority"), "hostname mismatch"));
  CHECK(absl::StrContains(Open("right.test.evil.test", right, "authority"), "hostname mismatch"));
  const TlsBroker wildcard("wildcard");
  CHECK(absl::StrContains(Open("wild.test", wildcard, "authority"), "hostname mismatch"));
  CHECK(absl::StrContains(Open("a.b.wild.test", wildcard, "authority"), "hostname mismatch"));
}

TEST_CASE("tls: self-signed, foreign and expired certificates are refused") {
  const std::string text = Open("right.test", TlsBroker("selfsigned"), "authority");
  CHECK(absl::StrContains(text, "its certificate is not good: self-signed certificate"));
  CHECK(absl::StrContains(Open("right.test", TlsBroker("expired"), "authority"), "has expired"));
  CHECK(absl::StrContains(Open("right.test", TlsBroker("right"), "selfsigned"),
                          "unable to get local issuer certificate"));
}

TEST_CASE("tls: versions before 1.2 are refused") {
  const TlsBroker old("right", {"tls1.1"});
  CHECK(absl::StartsWith(Open("right.test", old, "authority"), "cannot connect"));
}

}  // namespace
}  // namespace convoy

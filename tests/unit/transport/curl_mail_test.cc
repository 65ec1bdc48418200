// E-mails of the curl transport, sent to a server that speaks SMTP.
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/json/raw.h"
#include "tests/support/python_server.h"
#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/transport_driver.h"

namespace convoy {
namespace {

using testing::PythonServer;
using testing::TransportDriver;

constexpr const char* kScript = "unit/transport/smtp_receiver.py";
constexpr const char* kText = "Subject: x\r\n\r\n.leading dot\r\nend\r\n";

std::string Certificate(std::string_view name) {
  return absl::StrCat(CONVOY_TEST_DIR, "/unit/transport/certificates/", name);
}

// No address is allowed: the server is the host's choice.
CurlTransportOptions Options() { return {.ca_file = Certificate("authority.crt")}; }

OutgoingRequest MailTo(const std::string& url, Mail mail = {.from = "hooks@example.com",
                                                            .recipients = {"ops@example.com"}}) {
  OutgoingRequest request = TransportDriver::Post(url, kText);
  request.mail = std::make_shared<const Mail>(std::move(mail));
  return request;
}

std::string UrlOf(const PythonServer& server, std::string_view scheme = "smtp") {
  return absl::StrCat(scheme, "://127.0.0.1:", server.port());
}

std::string Field(const std::string& json, std::string_view path) {
  const auto value = json::FindPath(json, path, {});
  REQUIRE(value.has_value());
  return value->AsScalarText().value_or(std::string(value->text));
}

TEST_CASE("curl_mail: a mail reaches the server whole") {
  const PythonServer server(kScript, {"none"});
  TransportDriver driver(Options());
  const TransportResult result = driver.Exchange(MailTo(UrlOf(server)));
  INFO(result.error);
  CHECK(result.outcome == TransportOutcome::kResponse);
  CHECK(result.http_status == 250);
  const std::string mail = server.ReadLine();
  CHECK(Field(mail, "from") == "<hooks@example.com>");
  CHECK(Field(mail, "to.0") == "<ops@example.com>");
  CHECK(Field(mail, "text") == kText);
  CHECK(Field(mail, "tls") == "false");
  // And another one on the same transport.
  CHECK(driver.Exchange(MailTo(UrlOf(server))).http_status == 250);
}

TEST_CASE("curl_mail: TLS is spoken where it is offered, and checked") {
  const PythonServer server(kScript,
                            {"none", Certificate("numeric.crt"), Certificate("numeric.key")});
  TransportDriver driver(Options());
  const TransportResult result = driver.Exchange(MailTo(UrlOf(server)));
  INFO(result.error);
  REQUIRE(result.http_status == 250);
  CHECK(Field(server.ReadLine(), "tls") == "true");
  TransportDriver distrustful(CurlTransportOptions{});
  CHECK(distrustful.Exchange(MailTo(UrlOf(server))).outcome != TransportOutcome::kResponse);
}

TEST_CASE("curl_mail: credentials are sent over TLS, and over nothing else") {
  const Mail mail{.from = "hooks@example.com",
                  .recipients = {"ops@example.com"},
                  .user = "me",
                  .password = "secret"};
  const PythonServer server(
      kScript, {"none", Certificate("numeric.crt"), Certificate("numeric.key"), "me:secret"});
  TransportDriver driver(Options());
  const TransportResult result = driver.Exchange(MailTo(UrlOf(server), mail));
  INFO(result.error);
  REQUIRE(result.http_status == 250);
  CHECK(Field(server.ReadLine(), "user") == "me");
  const PythonServer open(kScript, {"none"});
  const TransportResult refused = driver.Exchange(MailTo(UrlOf(open), mail));
  CHECK(refused.outcome == TransportOutcome::kProtocolError);
  CHECK(refused.error.find("secret") == std::string::npos);
}

TEST_CASE("curl_mail: a server that refuses, hangs or is not there is an error") {
  TransportDriver driver(Options());
  for (const char* refuses : {"rcpt", "data"}) {
    const PythonServer server(kScript, {refuses});
    const TransportResult result = driver.Exchange(MailTo(UrlOf(server)));
    CHECK(result.outcome == TransportOutcome::kProtocolError);
    CHECK(result.http_status == 0);
    CHECK(result.error.find("the mail server did not take it") == 0);
  }
  {
    const PythonServer server(kScript, {"hang"});
    OutgoingRequest request = MailTo(UrlOf(server));
    request.timeout = absl::Milliseconds(200);
    CHECK(driver.Exchange(std::move(request)).outcome == TransportOutcome::kTimedOut);
  }
  CHECK(driver.Exchange(MailTo("smtp://127.0.0.1:1")).outcome == TransportOutcome::kConnectFailed);
  CHECK(driver.Exchange(MailTo("http://127.0.0.1:1")).outcome == TransportOutcome::kInvalidUrl);
}

TEST_CASE("curl_mail: what is under way is cancelled with the transport") {
  const PythonServer server(kScript, {"hang"});
  auto transport = NewCurlTransport(Options()).value();
  TransportResult result;
  transport->Send(MailTo(UrlOf(server)), [&](TransportResult end) { result = std::move(end); });
  transport->Step();
  transport->Cancel();
  CHECK(result.outcome == TransportOutcome::kCancelled);
}

}  // namespace
}  // namespace convoy

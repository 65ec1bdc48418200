// Notifications of people: when, to whom, how often, and in what form.
#include "lib/dispatch/notifier.h"

#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/json/raw.h"
#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchWorld;
using testing::ScriptedTransport;

constexpr const char* kChat = "https://chat.test/secret";

std::string TextIn(const OutgoingRequest& request) {
  const auto text = json::FindPath(*request.body, "text", {});
  REQUIRE(text.has_value());
  return text->AsScalarText().value();
}

std::vector<OutgoingRequest> SentTo(DispatchWorld& world, std::string_view url) {
  std::vector<OutgoingRequest> found;
  for (const OutgoingRequest& request : world.transport().sent()) {
    if (request.url == url) found.push_back(request);
  }
  return found;
}

// Endpoints answer 500; the chat as the test says.
ScriptedTransport::Rule FailAllBut(std::string chat, int chat_status) {
  return [chat, chat_status](const OutgoingRequest& request) {
    return ScriptedTransport::Status(request.url == chat || request.mail != nullptr ? chat_status
                                                                                    : 500);
  };
}

// An endpoint "a" with a chat, and a subscription "S" for it.
void AddWatched(DispatchWorld& world, std::optional<AlertConfig> alert = std::nullopt) {
  Endpoint endpoint = world.AddEndpoint("a");
  endpoint.slack_webhook_url = kChat;
  endpoint.support_email = "ops@example.com";
  world.Put("P", endpoint);
  world.Put(
      "P", Subscription{
               .id = "S", .project_id = "P", .name = "orders", .endpoint_id = "a", .alert = alert});
}

// A delivery of that subscription with one try.
void FailOnce(DispatchWorld& world) {
  Delivery delivery = world.Get(world.AddDelivery("a", {RetryStrategy::kLinear, {}, 1}));
  delivery.subscription_id = "S";
  WriteBatch batch;
  batch.updates.push_back({.lease = 0, .delivery = std::move(delivery)});
  world.Commit(std::move(batch));
  world.Settle();
}

TEST_CASE("notifier: whom an endpoint names is told once when it is disabled") {
  DispatchWorld world({.mail_server = "smtp://mail.test:25", .mail_from = "hooks@example.com"},
                      {.should_disable_endpoint = true});
  AddWatched(world);
  world.transport().set_rule(FailAllBut(kChat, 200));
  world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 1});
  world.Run(absl::Minutes(5));
  const auto chats = SentTo(world, kChat);
  REQUIRE(chats.size() == 1);
  CHECK(chats[0].method == "POST");
  CHECK(chats[0].mail == nullptr);
  CHECK(
      TextIn(chats[0]).starts_with("The endpoint \"a\" of the project \"project\" was disabled\n"));
  const auto mails = SentTo(world, "smtp://mail.test:25");
  REQUIRE(mails.size() == 1);
  REQUIRE(mails[0].mail != nullptr);
  CHECK(mails[0].mail->from == "hooks@example.com");
  CHECK(mails[0].mail->recipients == std::vector<std::string>{"ops@example.com"});
  CHECK(mails[0].body->starts_with("From: <hooks@example.com>\r\nTo: <ops@example.com>\r\n"));
}

TEST_CASE("notifier: without a mail server no mail is sent, without an address nothing is") {
  DispatchWorld world({}, {.should_disable_endpoint = true});
  AddWatched(world);
  world.AddEndpoint("b");
  world.transport().set_rule(FailAllBut(kChat, 200));
  for (const char* id : {"a", "b"}) world.AddDelivery(id, {RetryStrategy::kLinear, {}, 1});
  world.Run(absl::Minutes(5));
  CHECK(world.transport().sent().size() == 3);
  CHECK(SentTo(world, kChat).size() == 1);
}

TEST_CASE("notifier: a message is tried three times, and one that is refused once") {
  for (const auto& [status, times] : {std::pair(500, 3), std::pair(429, 3), std::pair(404, 1)}) {
    INFO(status);
    DispatchWorld world({}, {.should_disable_endpoint = true});
    AddWatched(world);
    world.transport().set_rule(FailAllBut(kChat, status));
    world.AddDelivery("a", {RetryStrategy::kLinear, {}, 1});
    world.Run(absl::Minutes(10));
    CHECK(SentTo(world, kChat).size() == static_cast<size_t>(times));
    const auto& events = world.process->observer.events;
    CHECK(std::count(events.begin(), events.end(), "a notification was not delivered") == 1);
  }
}

TEST_CASE("notifier: an alert is told after so many failures within its window, once in it") {
  DispatchWorld world;
  AddWatched(world, AlertConfig{.count = 3, .window = absl::Minutes(10)});
  world.transport().set_rule(FailAllBut(kChat, 200));
  for (int i = 0; i < 2; ++i) FailOnce(world);
  world.Run(absl::Minutes(10));  // the first two are too old then
  FailOnce(world);
  world.Run(absl::Seconds(1));
  CHECK(SentTo(world, kChat).empty());
  for (int i = 0; i < 2; ++i) FailOnce(world);
  world.Run(absl::Seconds(1));
  REQUIRE(SentTo(world, kChat).size() == 1);
  const std::string text = TextIn(SentTo(world, kChat)[0]);
  CHECK(text.starts_with("Deliveries to the endpoint \"a\" of the project \"project\" fail\n"));
  CHECK(text.find("3 attempts of the subscription \"orders\" have failed within 10m") !=
        std::string::npos);
  CHECK(text.find("the endpoint answered 500") != std::string::npos);
  for (int i = 0; i < 5; ++i) FailOnce(world);
  world.Run(absl::Minutes(9));
  CHECK(SentTo(world, kChat).size() == 1);
  world.Run(absl::Minutes(2));
  for (int i = 0; i < 3; ++i) FailOnce(world);
  world.Run(absl::Seconds(1));
  CHECK(SentTo(world, kChat).size() == 2);
}

TEST_CASE("notifier: a subscription without an alert is told of by nothing but its endpoint") {
  DispatchWorld world;
  AddWatched(world);
  world.transport().set_rule(FailAllBut(kChat, 200));
  for (int i = 0; i < 10; ++i) FailOnce(world);
  world.Run(absl::Minutes(1));
  CHECK(SentTo(world, kChat).empty());
}

TEST_CASE("notifier: a name adds no header to an e-mail") {
  const std::string subject = "x\r\nBcc: all@example.com \xc3\xa4" + std::string(100, 'y');
  const std::string mail =
      MailTextOf("a@b.test", "c@d.test", subject, "text \xc3\xa4\r\n.\r\n", testing::SimEpoch());
  const size_t end = mail.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  const std::string head = mail.substr(0, end);
  CHECK(head.find("Bcc") == std::string::npos);
  CHECK(head.find("\r\nContent-Transfer-Encoding: base64") != std::string::npos);
  std::string words;
  for (size_t at = 0; (at = mail.find("=?UTF-8?B?", at)) != std::string::npos;) {
    at += 10;
    words += base::Base64Decode(mail.substr(at, mail.find("?=", at) - at)).value();
  }
  CHECK(words == subject);
  CHECK(base::Base64Decode(mail.substr(end + 4, mail.size() - end - 6)).value() ==
        "text \xc3\xa4\r\n.\r\n");
  for (size_t at = 0, next; (next = mail.find("\r\n", at)) != std::string::npos; at = next + 2) {
    CHECK(next - at <= 78);
  }
}

TEST_CASE("notifier: only what may stand in a command of SMTP is an address") {
  CHECK(IsMailAddress("a.b+c@example.com"));
  for (const char* wrong : {"", "a", "@b", "a@", "a@b@c", "a@b>", "<a@b", "a b@c", "a@b\r\nRCPT",
                            "a@\x01", "\"a\"@b", "a@b\x80"}) {
    INFO(wrong);
    CHECK_FALSE(IsMailAddress(wrong));
  }
  CHECK_FALSE(IsMailAddress(std::string(300, 'a') + "@b"));
}

}  // namespace
}  // namespace convoy::dispatch

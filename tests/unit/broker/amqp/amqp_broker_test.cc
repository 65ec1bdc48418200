// The adapter against peers that are scripted byte by byte: what a real broker does not do on
// demand.
#include <amqp.h>
#include <amqp_framing.h>
#include <pthread.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include <catch2/catch.hpp>

#include "convoy/broker.h"
#include "tests/unit/broker/amqp/wire.h"
#include "tests/unit/transport/receiver.h"
#include "tests/unit/transport/scripted_resolver.h"

namespace convoy {
namespace {

using namespace testing;  // NOLINT: what a broker writes

// A broker that says all of it at once and then listens until the client leaves.
Receiver::Behaviour Says(std::string script) {
  return [script = std::move(script)](Peer& peer) {
    peer.Write(script);
    peer.WaitForClose();
  };
}

class World {
 public:
  explicit World(int port = 1) {
    AmqpConfig config;
    config.host = "127.0.0.1";
    config.port = static_cast<uint16_t>(port);
    config.username = "user";
    config.password = "s3cret";
    config.queue = "queue";
    source.broker = config;
  }

  AmqpConfig& config() { return std::get<AmqpConfig>(source.broker); }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open() {
    return NewAmqpBroker()->Open(source, "consumer-1", env());
  }
  absl::Status Check() { return NewAmqpBroker()->Check(source, env()); }

  Source source;
  std::vector<std::string> allowed_networks = {"127.0.0.0/8"};

 private:
  BrokerEnvironment env() const {
    return {.clock = clock_.get(),
            .random = nullptr,
            .observer = nullptr,
            .allowed_networks = allowed_networks};
  }

  const std::unique_ptr<Clock> clock_ = NewSystemClock();
};

absl::Status OpenAt(const Receiver& receiver) {
  World world(receiver.port());
  return world.Open().status();
}

TEST_CASE("amqp_broker: a configuration that can never work is refused with its field named") {
  const auto refusal = [](auto change) {
    World world;
    change(world.config());
    const absl::Status status = world.Open().status();
    REQUIRE(absl::IsInvalidArgument(status));
    return std::string(status.message());
  };
  CHECK(absl::StrContains(refusal([](AmqpConfig& c) { c.schema = "http"; }), "amqp.schema"));
  CHECK(absl::StrContains(refusal([](AmqpConfig& c) { c.host = ""; }), "amqp.host"));
  CHECK(absl::StrContains(refusal([](AmqpConfig& c) { c.port = 0; }), "amqp.port"));
  CHECK(absl::StrContains(refusal([](AmqpConfig& c) { c.vhost = ""; }), "amqp.vhost"));
  CHECK(absl::StrContains(refusal([](AmqpConfig& c) { c.queue = ""; }), "amqp.queue"));
  const std::string long_text(256, 'x');
  CHECK(absl::StrContains(refusal([&](AmqpConfig& c) { c.queue = long_text; }), "amqp.queue"));
  CHECK(absl::StrContains(refusal([&](AmqpConfig& c) { c.exchange = long_text; }),
                          "amqp.bindExchange.exchange"));
  CHECK(absl::StrContains(refusal([&](AmqpConfig& c) { c.routing_key = long_text; }),
                          "amqp.bindExchange.routingKey"));
  CHECK(absl::StrContains(refusal([&](AmqpConfig& c) { c.dead_letter_exchange = long_text; }),
                          "amqp.deadLetterExchange"));
  const std::string password("s3c\0ret", 7);
  const std::string text = refusal([&](AmqpConfig& c) { c.password = password; });
  CHECK(absl::StrContains(text, "amqp.auth.password"));
  CHECK_FALSE(absl::StrContains(text, "s3c"));
}

TEST_CASE("amqp_broker: a source of another broker is refused") {
  World world;
  world.source.broker = KafkaConfig();
  CHECK(absl::IsInvalidArgument(world.Open().status()));
}

TEST_CASE("amqp_broker: a thread whose stack is too small for what librabbitmq does is refused") {
  absl::Status status;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 2 * 1024 * 1024);
  pthread_t thread;
  const auto open = [](void* out) -> void* {
    World world;
    *static_cast<absl::Status*>(out) = world.Open().status();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, open, &status) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  CHECK(absl::IsFailedPrecondition(status));
}

TEST_CASE("amqp_broker: no address is connected to that the guard denies") {
  const Receiver receiver(Says(Greeting()));
  World world(receiver.port());
  world.allowed_networks = {absl::StrCat("127.0.0.0/8:", receiver.port())};  // for HTTP alone
  CHECK(absl::IsPermissionDenied(world.Open().status()));
  world.allowed_networks.clear();
  CHECK(absl::IsPermissionDenied(world.Open().status()));
  world.config().schema = "amqps";
  CHECK(absl::IsPermissionDenied(world.Open().status()));
  ScriptName("inner.test", {{"127.0.0.1", "::1"}});
  world.config().host = "inner.test";
  CHECK(absl::IsPermissionDenied(world.Open().status()));
  CHECK(receiver.accepted_count() == 0);
}

TEST_CASE("amqp_broker: of the addresses of a name only those are tried that the guard allows") {
  const Receiver receiver(Says(absl::StrCat(Greeting(), ConsumeAnswers())));
  World world(receiver.port());
  // The second address has no listener; the first one must not be tried.
  ScriptName("mixed.test", {{"::1", "127.0.0.9", "127.0.0.1"}, {"::1"}});
  world.config().host = "mixed.test";
  CHECK(world.Open().ok());
  CHECK(QuestionsCount("mixed.test") == 1);
}

TEST_CASE("amqp_broker: a check has one message sent to it at the most") {
  // Bytes of a client that opens a source, or checks one, and leaves.
  const auto sent = [](bool is_check) {
    std::string bytes;
    {
      absl::Notification has_left;
      const Receiver receiver([&](Peer& peer) {
        peer.Write(absl::StrCat(Greeting(), ConsumeAnswers()));
        bytes = peer.WaitForClose();
        has_left.Notify();
      });
      World world(receiver.port());
      CHECK((is_check ? world.Check() : world.Open().status()).ok());
      has_left.WaitForNotification();
    }
    return bytes;
  };
  const auto prefetch = [](uint64_t count) {
    return MethodFrame(1, AMQP_BASIC_QOS_METHOD,
                       absl::StrCat(Integer(0, 4), Integer(count, 2), Integer(0, 1)));
  };
  CHECK(absl::StrContains(sent(/*is_check=*/false), prefetch(512)));
  CHECK(absl::StrContains(sent(/*is_check=*/true), prefetch(1)));
}

TEST_CASE("amqp_broker: an unknown name and a port without a listener are unavailable") {
  World world;
  CHECK(absl::IsUnavailable(world.Open().status()));
  ScriptName("missing.test", {{}});
  world.config().host = "missing.test";
  CHECK(absl::IsUnavailable(world.Open().status()));
}

TEST_CASE("amqp_broker: a peer that is no AMQP broker is 'away', and said to be none") {
  for (const std::string& script : std::vector<std::string>{
           "HTTP/1.1 400 Bad Request\r\n\r\n", std::string(20'000, 'g'),
           MethodFrame(0, AMQP_CONNECTION_TUNE_METHOD, std::string(8, '\0')), OpenOk(),
           Frame(AMQP_FRAME_METHOD, 0, ""), Frame(AMQP_FRAME_METHOD, 0, "\xFF\xFF\xFF\xFF"),
           absl::StrCat(Start(), Tune(), OpenOk(), MethodFrame(1, AMQP_BASIC_QOS_OK_METHOD)),
           absl::StrCat(Start(), Tune(), OpenOk(),
                        MethodFrame(9, AMQP_CHANNEL_OPEN_OK_METHOD, LongText("")))}) {
    const Receiver receiver(Says(script));
    const absl::Status status = OpenAt(receiver);
    CHECK(absl::IsUnavailable(status));
    CHECK(absl::StrContains(status.message(), "what came back is not AMQP"));
  }
}

TEST_CASE("amqp_broker: a broker that hangs up in the middle is 'away'") {
  for (const std::string& script : std::vector<std::string>{
           "", Start(), Start() + Tune(), Greeting(),
           Greeting() + MethodFrame(1, AMQP_BASIC_QOS_OK_METHOD).substr(0, 5)}) {
    const Receiver receiver([script](Peer& peer) { peer.Write(script); });
    CHECK(absl::IsUnavailable(OpenAt(receiver)));
  }
}

TEST_CASE("amqp_broker: a broker that accepts and says nothing is given up") {
  const Receiver receiver(Says(""));
  const absl::Status status = OpenAt(receiver);
  CHECK(absl::IsUnavailable(status));
  CHECK(absl::StrContains(status.message(), "no answer in time"));
}

TEST_CASE("amqp_broker: refusals have the code of their kind and no secret") {
  const auto refusal = [](std::string script) {
    const Receiver receiver(Says(std::move(script)));
    const absl::Status status = OpenAt(receiver);
    CHECK_FALSE(absl::StrContains(status.message(), "s3cret"));
    CHECK_FALSE(absl::StrContains(status.message(), "\n"));
    return status.code();
  };
  const std::string declared = Greeting();
  CHECK(refusal(Start() + Close(AMQP_CONNECTION_CLOSE_METHOD, 403, "not with s3cret\n")) ==
        absl::StatusCode::kUnauthenticated);
  CHECK(refusal(Start() + Tune() +
                Close(AMQP_CONNECTION_CLOSE_METHOD, 530, "NOT_ALLOWED - vhost / not found")) ==
        absl::StatusCode::kNotFound);
  CHECK(refusal(declared + Close(AMQP_CHANNEL_CLOSE_METHOD, 404, "no queue")) ==
        absl::StatusCode::kNotFound);
  CHECK(refusal(declared + Close(AMQP_CHANNEL_CLOSE_METHOD, 403, "not yours")) ==
        absl::StatusCode::kPermissionDenied);
  CHECK(refusal(declared + Close(AMQP_CONNECTION_CLOSE_METHOD, 320, "shutdown")) ==
        absl::StatusCode::kUnavailable);
}

TEST_CASE("amqp_broker: what came with the answers is what the first Poll gives") {
  const Receiver receiver(
      Says(absl::StrCat(Greeting(), ConsumeAnswers(), DeliverFrame(1), HeaderFrame(3),
                        BodyFrame("abc"), DeliverFrame(2), HeaderFrame(0))));
  World world(receiver.port());
  const auto consumer = world.Open();
  REQUIRE(consumer.ok());
  std::vector<BrokerMessage> all;
  while (all.size() < 2) {
    const auto messages = (*consumer)->Poll(PollLimits(), absl::Seconds(30));
    REQUIRE(messages.ok());
    all.insert(all.end(), messages->begin(), messages->end());
  }
  CHECK(all[0].body == "abc");
  CHECK(all[1].tag == 2);
  CHECK((*consumer)->Acknowledge(all).ok());
  CHECK((*consumer)->Extend(all).ok());
  const auto nothing = (*consumer)->Poll(PollLimits(), absl::Milliseconds(1));
  REQUIRE(nothing.ok());
  CHECK(nothing->empty());
}

TEST_CASE("amqp_broker: the depth of the queue comes among the messages") {
  const std::string depth =
      MethodFrame(1, AMQP_QUEUE_DECLARE_OK_METHOD,
                  absl::StrCat(ShortText("queue"), Integer(7, 4), Integer(1, 4)));
  const Receiver receiver(
      Says(absl::StrCat(Greeting(), ConsumeAnswers(), DeliverFrame(1), HeaderFrame(1),
                        BodyFrame("a"), depth, DeliverFrame(2), HeaderFrame(1), BodyFrame("b"))));
  World world(receiver.port());
  const auto consumer = world.Open();
  REQUIRE(consumer.ok());
  CHECK(absl::IsUnavailable((*consumer)->lag().status()));
  (*consumer)->AskLag();
  std::string bodies;
  while (bodies.size() < 2) {
    const auto messages = (*consumer)->Poll(PollLimits(), absl::Seconds(30));
    REQUIRE(messages.ok());
    for (const BrokerMessage& message : *messages) bodies += message.body;
  }
  CHECK(bodies == "ab");
  REQUIRE((*consumer)->lag().ok());
  CHECK((*consumer)->lag()->messages_count == 7);
  CHECK((*consumer)->is_lag_shared());
}

TEST_CASE("amqp_broker: the message that tells a queue from a stream is the first of a Poll") {
  const std::string first = absl::StrCat(GetOkFrame(1), HeaderFrame(1), BodyFrame("a"));
  const Receiver receiver(Says(absl::StrCat(Greeting(), ConsumeAnswers(first), DeliverFrame(2),
                                            HeaderFrame(1), BodyFrame("b"))));
  World world(receiver.port());
  const auto consumer = world.Open();
  REQUIRE(consumer.ok());
  std::string bodies;
  while (bodies.size() < 2) {
    const auto messages = (*consumer)->Poll(PollLimits(), absl::Seconds(30));
    REQUIRE(messages.ok());
    for (const BrokerMessage& message : *messages) {
      bodies += message.body;
      CHECK_FALSE(message.may_be_redelivery);
    }
    REQUIRE((*consumer)->Acknowledge(*messages).ok());
  }
  CHECK(bodies == "ab");
}

TEST_CASE("amqp_broker: a stream is refused with the reason") {
  const Receiver receiver(Says(absl::StrCat(
      Greeting(), DeclareOk(),
      Close(AMQP_CHANNEL_CLOSE_METHOD, 540,
            "NOT_IMPLEMENTED - basic.get not supported by stream queues queue 'queue'"))));
  const absl::Status status = OpenAt(receiver);
  CHECK(absl::IsInvalidArgument(status));
  CHECK(absl::StrContains(status.message(), "pub_sub.amqp.queue: queue is a stream"));
}

TEST_CASE("amqp_broker: a queue that denies the look is consumed without it") {
  int connections_count = 0;
  const Receiver receiver([&](Peer& peer) {
    const bool is_first = ++connections_count == 1;
    const std::string denied = Close(AMQP_CHANNEL_CLOSE_METHOD, 405, "single active consumer");
    const std::string consuming =
        absl::StrCat(MethodFrame(1, AMQP_BASIC_QOS_OK_METHOD),
                     MethodFrame(1, AMQP_BASIC_CONSUME_OK_METHOD, ShortText("consumer")));
    peer.Write(absl::StrCat(Greeting(), DeclareOk(), is_first ? denied : consuming));
    peer.WaitForClose();
  });
  World world(receiver.port());
  CHECK(world.Open().ok());
}

TEST_CASE("amqp_broker: a Poll gives no more than it is asked for") {
  std::string script = absl::StrCat(Greeting(), ConsumeAnswers());
  for (uint64_t tag = 1; tag <= 6; ++tag) {
    absl::StrAppend(&script, DeliverFrame(tag), HeaderFrame(100), BodyFrame(std::string(100, 'x')));
  }
  const Receiver receiver(Says(script));
  World world(receiver.port());
  const auto consumer = world.Open();
  REQUIRE(consumer.ok());
  const PollLimits limits[] = {{.messages_max = 2}, {.bytes_max = 150}, {.bytes_max = 1}};
  uint64_t next = 1;
  for (const PollLimits& limit : limits) {
    const auto messages = (*consumer)->Poll(limit, absl::Seconds(30));
    REQUIRE(messages.ok());
    CHECK(messages->size() <= 2);
    for (const BrokerMessage& message : *messages) CHECK(message.tag == next++);
  }
}

TEST_CASE("amqp_broker: what a message has beside its body counts for the limits of a Poll") {
  std::string script = absl::StrCat(Greeting(), ConsumeAnswers());
  const std::string properties = Integer(0x8000, 2) + ShortText(std::string(200, 'x'));
  for (uint64_t tag = 1; tag <= 10; ++tag) {
    absl::StrAppend(&script, DeliverFrame(tag), HeaderFrame(1, properties), BodyFrame("x"));
  }
  const Receiver receiver(Says(script));
  World world(receiver.port());
  const auto consumer = world.Open();
  REQUIRE(consumer.ok());
  for (size_t count = 0; count < 10;) {
    const auto messages = (*consumer)->Poll({.bytes_max = 500}, absl::Seconds(30));
    REQUIRE(messages.ok());
    CHECK(messages->size() <= 3);
    count += messages->size();
  }
}

TEST_CASE("amqp_broker: an Interrupt ends a Poll that blocks, and the one after it if none does") {
  const Receiver receiver(Says(absl::StrCat(Greeting(), ConsumeAnswers())));
  World world(receiver.port());
  const auto consumer = world.Open();
  REQUIRE(consumer.ok());
  (*consumer)->Interrupt();
  const auto interrupted = (*consumer)->Poll(PollLimits(), absl::Hours(1));
  REQUIRE(interrupted.ok());
  CHECK(interrupted->empty());
  std::thread other([&] {
    absl::SleepFor(absl::Milliseconds(50));
    (*consumer)->Interrupt();
  });
  CHECK((*consumer)->Poll(PollLimits(), absl::Hours(1)).ok());
  other.join();
}

TEST_CASE(
    "amqp_broker: a channel that is closed later, or filled with nonsense, ends the consumer") {
  for (const std::string& end : std::vector<std::string>{
           Close(AMQP_CHANNEL_CLOSE_METHOD, 406, "delivery acknowledgement timed out"),
           Close(AMQP_CONNECTION_CLOSE_METHOD, 320, "shutdown"), BodyFrame("x"),
           Frame(AMQP_FRAME_BODY, 2, "x"),
           MethodFrame(1, AMQP_BASIC_CANCEL_METHOD,
                       absl::StrCat(ShortText("consumer"), Integer(1, 1)))}) {
    const Receiver receiver(Says(absl::StrCat(Greeting(), ConsumeAnswers(), end)));
    World world(receiver.port());
    const auto consumer = world.Open();
    REQUIRE(consumer.ok());
    CHECK(absl::IsUnavailable((*consumer)->Poll(PollLimits(), absl::Hours(1)).status()));
  }
}

TEST_CASE("amqp_broker: a broker whose bytes are spoilt at random does no harm") {
  std::string whole = absl::StrCat(Greeting(), ConsumeAnswers());
  const std::string table = LongText(absl::StrCat(ShortText("k"), "A", LongText("t\x01V")));
  for (uint64_t tag = 1; tag <= 3; ++tag) {
    absl::StrAppend(&whole, DeliverFrame(tag),
                    HeaderFrame(3, absl::StrCat("\x20", Integer(0, 1), table)), BodyFrame("abc"));
  }
  std::mt19937 random(23);
  for (int round = 0; round < 400; ++round) {
    std::string script = whole;
    for (uint32_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % script.size();
      switch (random() % 3) {
        case 0:
          script[at] = static_cast<char>(random());
          break;
        case 1:
          script.erase(at, 1 + random() % 8);
          break;
        default:
          script.insert(at, whole.substr(random() % whole.size(), random() % 64));
          break;
      }
    }
    // The trailing bytes end any open frame, and are no frame themselves.
    const Receiver receiver(Says(script + std::string(200'000, 'z')));
    World world(receiver.port());
    const auto consumer = world.Open();
    if (!consumer.ok()) continue;
    for (int polls_left = 5; polls_left > 0; --polls_left) {
      const auto messages = (*consumer)->Poll({.messages_max = 1}, absl::Hours(1));
      if (!messages.ok()) break;
      for (const BrokerMessage& message : *messages) CHECK(message.body.size() <= script.size());
    }
  }
}

}  // namespace
}  // namespace convoy

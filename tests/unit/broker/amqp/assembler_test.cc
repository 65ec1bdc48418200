#include "lib/broker/amqp/assembler.h"

#include <memory>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/unit/broker/amqp/wire.h"

namespace convoy::broker::amqp {
namespace {

using namespace testing;  // NOLINT: what a broker writes

// Frames go through librabbitmq's own decoder on their way.
class Channel {
 public:
  explicit Channel(uint64_t body_bytes_max = 1'000'000, std::string place = "place")
      : assembler_(std::move(place), body_bytes_max) {}

  // Deliveries completed by these bytes, or the first error.
  absl::StatusOr<std::vector<Delivery>> Take(std::string_view bytes) {
    std::vector<Delivery> deliveries;
    while (!bytes.empty()) {
      amqp_frame_t frame = {};
      const int used =
          amqp_handle_input(state_.get(), {bytes.size(), const_cast<char*>(bytes.data())}, &frame);
      REQUIRE(used > 0);
      bytes.remove_prefix(static_cast<size_t>(used));
      if (frame.frame_type == 0) continue;
      absl::StatusOr<std::optional<Delivery>> delivery = assembler_.Add(frame);
      if (!delivery.ok()) return delivery.status();
      if (delivery->has_value()) deliveries.push_back(**std::move(delivery));
    }
    return deliveries;
  }

 private:
  const std::unique_ptr<amqp_connection_state_t_, int (*)(amqp_connection_state_t)> state_{
      amqp_new_connection(), amqp_destroy_connection};
  Assembler assembler_;
};

// message_id and a table of headers, in the order of their flags' bits.
std::string Properties(std::string_view id, std::string_view key, std::string_view value) {
  const std::string table = LongText(absl::StrCat(ShortText(key), "S", LongText(value)));
  return absl::StrCat(Integer(AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG, 2), table,
                      ShortText(id));
}

TEST_CASE(
    "assembler: a delivery has its tag, key, id, redelivery id, attributes and all its bytes") {
  Channel channel;
  const auto deliveries = channel.Take(
      absl::StrCat(DeliverFrame(7, "orders"), HeaderFrame(6, Properties("m-1", "kind", "single")),
                   BodyFrame("abc"), BodyFrame("\xFF"), BodyFrame({"\0e", 2})));
  REQUIRE(deliveries.ok());
  REQUIRE(deliveries->size() == 1);
  const Delivery& delivery = deliveries->front();
  CHECK(delivery.message.tag == 7);
  CHECK(delivery.message.id == "m-1");
  CHECK(delivery.message.redelivery_id.starts_with("place/"));
  CHECK(delivery.message.redelivery_id.ends_with("/m-1"));
  CHECK(delivery.message.former_redelivery_id == "id/m-1");
  CHECK_FALSE(delivery.message.may_be_redelivery);
  CHECK(delivery.message.attributes == Headers{{"kind", "single"}});
  CHECK(delivery.message.body == std::string_view("abc\xFF\0e", 6));
  CHECK_FALSE(delivery.message.is_cut);
  CHECK(delivery.message.key == "orders");
  CHECK(delivery.properties == Properties("m-1", "kind", "single"));
}

TEST_CASE(
    "assembler: a message without an id has no redelivery id, and nothing of the one before") {
  Channel channel;
  const auto deliveries = channel.Take(absl::StrCat(
      DeliverFrame(1, "a"), HeaderFrame(1, Properties("m-1", "k", "v")), BodyFrame("x"),
      DeliverFrame(2, "b"), HeaderFrame(0), DeliverFrame(3, "c"), HeaderFrame(2), BodyFrame("yz")));
  REQUIRE(deliveries.ok());
  REQUIRE(deliveries->size() == 3);
  const BrokerMessage& empty = deliveries->at(1).message;
  CHECK(empty.body.empty());
  CHECK(empty.id.empty());
  CHECK(empty.redelivery_id.empty());
  CHECK(empty.attributes.empty());
  CHECK(deliveries->at(2).message.body == "yz");
}

// The message that `bytes` are.
BrokerMessage Only(std::string_view bytes, std::string place = "place") {
  Channel channel(1'000'000, std::move(place));
  const auto deliveries = channel.Take(bytes);
  REQUIRE(deliveries.ok());
  REQUIRE(deliveries->size() == 1);
  return deliveries->front().message;
}

TEST_CASE("assembler: a redelivery id tells places, ids and contents apart, and nothing else") {
  const auto message = [](std::string_view id, std::string_view value, std::string_view body) {
    return absl::StrCat(DeliverFrame(1), HeaderFrame(body.size(), Properties(id, "k", value)),
                        BodyFrame(body));
  };
  const std::string redelivery_id = Only(message("m-1", "v", "abc")).redelivery_id;
  CHECK(Only(message("m-1", "v", "abc")).redelivery_id == redelivery_id);
  CHECK(Only(message("m-1", "v", "abc"), "elsewhere").redelivery_id != redelivery_id);
  CHECK(Only(message("m-2", "v", "abc")).redelivery_id != redelivery_id);
  CHECK(Only(message("m-1", "w", "abc")).redelivery_id != redelivery_id);
  CHECK(Only(message("m-1", "v", "abd")).redelivery_id != redelivery_id);
}

TEST_CASE("assembler: the broker's flag tells whether a message may have been handed out before") {
  const std::string content =
      absl::StrCat(HeaderFrame(1, Properties("m-1", "k", "v")), BodyFrame("x"));
  const BrokerMessage first = Only(absl::StrCat(DeliverFrame(1, "key", false), content));
  const BrokerMessage again = Only(absl::StrCat(DeliverFrame(2, "key", true), content));
  CHECK_FALSE(first.may_be_redelivery);
  CHECK(again.may_be_redelivery);
  CHECK(first.redelivery_id == again.redelivery_id);
}

TEST_CASE("assembler: what a broker counts for a delivery is no part of the message") {
  const auto counted = [](std::string_view count) {
    return Only(absl::StrCat(DeliverFrame(1),
                             HeaderFrame(1, Properties("m-1", "x-delivery-count", count)),
                             BodyFrame("x")));
  };
  CHECK(counted("1").redelivery_id == counted("2").redelivery_id);
}

TEST_CASE("assembler: a body that is too large is cut, read to its end, and followed by the next") {
  Channel channel(10);
  const auto deliveries = channel.Take(absl::StrCat(
      DeliverFrame(1), HeaderFrame(25), BodyFrame("01234567"), BodyFrame("89abcdefg"),
      BodyFrame("hijklmno"), DeliverFrame(2), HeaderFrame(10), BodyFrame("0123456789")));
  REQUIRE(deliveries.ok());
  REQUIRE(deliveries->size() == 2);
  CHECK(deliveries->at(0).message.is_cut);
  CHECK(deliveries->at(0).message.body == "0123456789");
  CHECK_FALSE(deliveries->at(1).message.is_cut);
  CHECK(deliveries->at(1).message.body == "0123456789");
}

TEST_CASE("assembler: a body that was only announced takes no memory") {
  Channel channel(UINT64_MAX);
  const auto deliveries =
      channel.Take(absl::StrCat(DeliverFrame(1), HeaderFrame(UINT64_MAX), BodyFrame("x")));
  REQUIRE(deliveries.ok());
  CHECK(deliveries->empty());
}

TEST_CASE("assembler: frames out of order are an error") {
  for (const std::string& frames : std::vector<std::string>{
           HeaderFrame(1), BodyFrame("x"), absl::StrCat(DeliverFrame(1), DeliverFrame(2)),
           absl::StrCat(DeliverFrame(1), BodyFrame("x")),
           absl::StrCat(DeliverFrame(1), HeaderFrame(1), HeaderFrame(1)),
           absl::StrCat(DeliverFrame(1), HeaderFrame(1), DeliverFrame(2)),
           absl::StrCat(DeliverFrame(1), HeaderFrame(1), BodyFrame("xx")),
           absl::StrCat(DeliverFrame(1), HeaderFrame(0), BodyFrame("x")),
           MethodFrame(1, AMQP_BASIC_QOS_OK_METHOD)}) {
    Channel channel;
    CHECK(absl::IsUnavailable(channel.Take(frames).status()));
  }
}

TEST_CASE("assembler: a consumer that the broker cancels is an error that says so") {
  Channel channel;
  const absl::Status status =
      channel
          .Take(MethodFrame(1, AMQP_BASIC_CANCEL_METHOD,
                            absl::StrCat(ShortText("consumer"), Integer(1, 1))))
          .status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message() == "the broker ended the consumer: its queue was deleted or has moved");
}

TEST_CASE("assembler: whatever the order of frames and cuts, what comes out is what went in") {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    Channel channel(64);
    std::string bytes;
    std::vector<std::string> bodies;
    for (uint64_t tag = 1; tag <= 20; ++tag) {
      std::string body(random() % 100, '\0');
      for (char& byte : body) byte = static_cast<char>(random());
      absl::StrAppend(&bytes, DeliverFrame(tag), HeaderFrame(body.size()));
      for (size_t at = 0; at < body.size();) {
        const size_t size = random() % 40;  // frames may be empty
        absl::StrAppend(&bytes, BodyFrame(std::string_view(body).substr(at, size)));
        at += size;
      }
      bodies.push_back(std::move(body));
    }
    std::vector<Delivery> deliveries;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = 1 + random() % 200;
      auto some = channel.Take(std::string_view(bytes).substr(at, size));
      REQUIRE(some.ok());
      for (Delivery& delivery : *some) deliveries.push_back(std::move(delivery));
      at += size;
    }
    REQUIRE(deliveries.size() == bodies.size());
    for (size_t i = 0; i < bodies.size(); ++i) {
      REQUIRE(deliveries[i].message.body == bodies[i].substr(0, 64));
      REQUIRE(deliveries[i].message.is_cut == (bodies[i].size() > 64));
      REQUIRE(deliveries[i].message.tag == i + 1);
    }
  }
}

}  // namespace
}  // namespace convoy::broker::amqp

#include "lib/broker/amqp/ledger.h"

#include <algorithm>
#include <random>
#include <set>

#include <catch2/catch.hpp>

namespace convoy::broker::amqp {
namespace {

BrokerMessage Message(uint64_t tag) {
  BrokerMessage message;
  message.tag = tag;
  return message;
}

std::vector<BrokerMessage> Messages(const std::vector<uint64_t>& tags) {
  std::vector<BrokerMessage> messages;
  for (const uint64_t tag : tags) messages.push_back(Message(tag));
  return messages;
}

void Fill(Ledger* ledger, uint64_t first, uint64_t last) {
  for (uint64_t tag = first; tag <= last; ++tag) ledger->Add({.tag = tag});
}

TEST_CASE("ledger: a whole batch is settled by one word") {
  Ledger ledger;
  Fill(&ledger, 1, 5);
  const Settlement settlement = ledger.Settle(Messages({1, 2, 3, 4, 5}));
  CHECK(settlement.up_to == 5);
  CHECK(settlement.single.empty());
  CHECK(settlement.rejected.empty());
  CHECK(ledger.size() == 0);
}

TEST_CASE("ledger: what lies behind an open message is settled one by one") {
  Ledger ledger;
  Fill(&ledger, 1, 6);
  const Settlement first = ledger.Settle(Messages({1, 2, 4, 6}));
  CHECK(first.up_to == 2);
  CHECK(first.single == std::vector<uint64_t>{4, 6});
  const Settlement second = ledger.Settle(Messages({3, 5}));
  CHECK(second.up_to == 5);
  CHECK(second.single.empty());
  CHECK(ledger.size() == 0);
}

TEST_CASE("ledger: what is not there, or is settled already, changes nothing") {
  Ledger ledger;
  Fill(&ledger, 1, 3);
  ledger.Settle(Messages({2}));
  CHECK(ledger.Find(2) == nullptr);
  CHECK(ledger.Find(9) == nullptr);
  const Settlement settlement = ledger.Settle(Messages({2, 9}));
  CHECK(settlement.up_to == 0);
  CHECK(settlement.single.empty());
  REQUIRE(ledger.Find(3) != nullptr);
  CHECK(ledger.Find(3)->tag == 3);
}

TEST_CASE("ledger: a message that was cut is rejected, and not named after that") {
  Ledger ledger;
  ledger.Add({.tag = 1});
  ledger.Add({.tag = 2, .is_cut = true});
  const Settlement settlement = ledger.Settle(Messages({1, 2}));
  CHECK(settlement.rejected == std::vector<uint64_t>{2});
  CHECK(settlement.up_to == 1);
  ledger.Add({.tag = 3, .is_cut = true});
  const Settlement only = ledger.Settle(Messages({3}));
  CHECK(only.rejected == std::vector<uint64_t>{3});
  CHECK(only.up_to == 0);
}

// Model of RabbitMQ's settlement: a tag that it does not know is an error that ends the channel.
class BrokerModel {
 public:
  void Deliver(uint64_t tag) { unsettled_.insert(tag); }
  void Hear(const Settlement& settlement) {
    for (const uint64_t tag : settlement.rejected) REQUIRE(unsettled_.erase(tag) == 1);
    for (const uint64_t tag : settlement.single) REQUIRE(unsettled_.erase(tag) == 1);
    if (settlement.up_to == 0) return;
    REQUIRE(unsettled_.count(settlement.up_to) == 1);
    unsettled_.erase(unsettled_.begin(), unsettled_.upper_bound(settlement.up_to));
  }
  const std::set<uint64_t>& unsettled() const { return unsettled_; }

 private:
  std::set<uint64_t> unsettled_;
};

TEST_CASE("ledger: after any sequence the broker waits for exactly what was not acknowledged") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Ledger ledger;
    BrokerModel broker;
    std::set<uint64_t> wanted;
    uint64_t last = 0;
    for (int step = 0; step < 40; ++step) {
      for (uint64_t count = random() % 8; count > 0; --count) {
        ledger.Add({.tag = ++last, .is_cut = random() % 5 == 0});
        broker.Deliver(last);
        wanted.insert(last);
      }
      std::vector<uint64_t> tags;
      for (const uint64_t tag : wanted) {
        if (random() % 3 == 0) tags.push_back(tag);
      }
      std::shuffle(tags.begin(), tags.end(), random);
      broker.Hear(ledger.Settle(Messages(tags)));
      for (const uint64_t tag : tags) wanted.erase(tag);
      REQUIRE(broker.unsettled() == wanted);
    }
    broker.Hear(ledger.Settle(Messages({wanted.begin(), wanted.end()})));
    REQUIRE(broker.unsettled().empty());
    REQUIRE(ledger.size() == 0);
  }
}

}  // namespace
}  // namespace convoy::broker::amqp

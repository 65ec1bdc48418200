// Ledger of deliveries that the broker expects to be settled, and the fewest frames that settle
// them.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "convoy/broker.h"

namespace convoy::broker::amqp {

// Frames to send, in this order: `rejected` one by one, `single` one by one, then `up_to`, unless
// it is 0. It settles all earlier tags, too.
struct Settlement {
  std::vector<uint64_t> rejected;
  std::vector<uint64_t> single;
  uint64_t up_to = 0;
};

class Ledger {
 public:
  struct Entry {
    uint64_t tag = 0;
    bool is_cut = false;
    std::string routing_key;  // this and the next for a dead letter
    std::string properties;
    bool is_settled = false;
  };

  // Tags grow, as those of a channel do.
  void Add(Entry entry) { entries_.push_back(std::move(entry)); }
  // nullptr if there is no such delivery, or it is settled.
  const Entry* Find(uint64_t tag) const;

  // Marks these as settled. A message that was cut off is rejected, so that the queue's own
  // dead-letter exchange, if it has one, gets it whole.
  Settlement Settle(std::span<const BrokerMessage> messages);

  size_t size() const { return entries_.size(); }

 private:
  std::deque<Entry> entries_;  // by tag; the first is not settled
};

}  // namespace convoy::broker::amqp

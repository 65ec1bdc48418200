// Ledger of unacknowledged deliveries. basic.ack with `multiple` settles everything up to a tag, so
// it may name only a tag below which nothing is open, and one that the broker still knows: not one
// that was just rejected.
#include "lib/broker/amqp/ledger.h"

#include <algorithm>

namespace convoy::broker::amqp {
namespace {

template <typename Entries>
auto FindEntry(Entries& entries, uint64_t tag) {
  const auto found = std::lower_bound(
      entries.begin(), entries.end(), tag,
      [](const Ledger::Entry& entry, uint64_t value) { return entry.tag < value; });
  return found != entries.end() && found->tag == tag ? found : entries.end();
}

}  // namespace

const Ledger::Entry* Ledger::Find(uint64_t tag) const {
  const auto found = FindEntry(entries_, tag);
  return found != entries_.end() && !found->is_settled ? &*found : nullptr;
}

Settlement Ledger::Settle(std::span<const BrokerMessage> messages) {
  Settlement settlement;
  std::vector<uint64_t> accepted;
  for (const BrokerMessage& message : messages) {
    const auto found = FindEntry(entries_, message.tag);
    if (found == entries_.end() || found->is_settled) continue;
    found->is_settled = true;
    (found->is_cut ? settlement.rejected : accepted).push_back(message.tag);
  }
  uint64_t first_open = UINT64_MAX;
  while (!entries_.empty() && entries_.front().is_settled) entries_.pop_front();
  if (!entries_.empty()) first_open = entries_.front().tag;
  for (const uint64_t tag : accepted) {
    if (tag > first_open) {
      settlement.single.push_back(tag);
    } else {
      settlement.up_to = std::max(settlement.up_to, tag);
    }
  }
  return settlement;
}

}  // namespace convoy::broker::amqp

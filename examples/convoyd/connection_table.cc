// One mutex over counts and lists; it is held for a few pointer operations at a time.
#include "examples/convoyd/connection_table.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace convoyd {

struct ConnectionPlace::Address {
  std::string key;
  uint32_t connections = 0;
  uint64_t memory_bytes = 0;
  Waiting waiting;
};

namespace {

// Bodies up to this size may use the last eighth of the memory, so that large ones do not keep out
// what is small.
constexpr uint64_t kSmallBodyBytes = 64 * 1024;

constexpr size_t IndexOf(ConnectionPhase phase) { return static_cast<size_t>(phase); }

}  // namespace

// ---- ConnectionPlace

ConnectionPlace::~ConnectionPlace() {
  absl::MutexLock lock(&table_->mutex_);
  table_->Remove(this);
}

void ConnectionPlace::Enter(ConnectionPhase phase) {
  absl::MutexLock lock(&table_->mutex_);
  if (address_ == nullptr || phase_ == phase) return;
  table_->Unlist(this);
  phase_ = phase;
  if (phase == ConnectionPhase::kBusy) return;
  Places& all = table_->waiting_[IndexOf(phase)];
  Places& of_address = address_->waiting[IndexOf(phase)];
  in_all_ = all.insert(all.end(), this);
  in_address_ = of_address.insert(of_address.end(), this);
}

bool ConnectionPlace::Grow(uint64_t held, uint64_t wanted) {
  assert(wanted >= held);
  absl::MutexLock lock(&table_->mutex_);
  const bool is_small = wanted <= kSmallBodyBytes;
  if (address_ == nullptr) return is_small;  // its request began when its place was given away
  const uint64_t more = wanted - held;
  const ConnectionLimits& limits = table_->limits_;
  const auto fits = [&](uint64_t used, uint64_t most) {
    const uint64_t usable = is_small ? most : most - most / 8;
    return used <= usable && more <= usable - used;
  };
  if (!fits(table_->counts_.body_memory_bytes, limits.body_memory_bytes_max) ||
      !fits(address_->memory_bytes, limits.body_memory_per_address_bytes_max)) {
    ++table_->counts_.memory_refused_total;
    return false;
  }
  memory_bytes_ += more;
  address_->memory_bytes += more;
  table_->counts_.body_memory_bytes += more;
  return true;
}

void ConnectionPlace::ReleaseMemory() {
  absl::MutexLock lock(&table_->mutex_);
  table_->Release(this);
}

void ConnectionPlace::set_evict(std::function<void()> evict) {
  absl::MutexLock lock(&table_->mutex_);
  evict_ = std::move(evict);
}

// ---- ConnectionTable

ConnectionTable::ConnectionTable(const ConnectionLimits& limits) : limits_(limits) {}

ConnectionTable::~ConnectionTable() = default;

std::unique_ptr<ConnectionPlace> ConnectionTable::Reserve(const std::string& address) {
  std::function<void()> evict;
  std::unique_ptr<ConnectionPlace> place;
  {
    absl::MutexLock lock(&mutex_);
    std::unique_ptr<Address>& found = addresses_[address];
    if (found == nullptr) found = std::make_unique<Address>(Address{.key = address});
    Address* const entry = found.get();
    const bool is_share_used = entry->connections >= limits_.connections_per_address_max;
    const bool is_full = counts_.connections >= limits_.connections_max;
    if (is_share_used && !EvictFrom(entry->waiting, &evict)) {
      ++counts_.refused_for_address_total;
      return nullptr;
    }
    if (!is_share_used && is_full && !EvictFrom(waiting_, &evict)) {
      ++counts_.refused_total;
      if (entry->connections == 0) addresses_.erase(address);
      return nullptr;
    }
    // Evicting may have removed the entry of this very address.
    std::unique_ptr<Address>& kept = addresses_[address];
    if (kept == nullptr) kept = std::make_unique<Address>(Address{.key = address});
    ++kept->connections;
    ++counts_.connections;
    place.reset(new ConnectionPlace(this, kept.get()));
  }
  if (evict) evict();
  return place;
}

bool ConnectionTable::EvictOne() {
  std::function<void()> evict;
  {
    absl::MutexLock lock(&mutex_);
    if (!EvictFrom(waiting_, &evict)) return false;
  }
  if (evict) evict();
  return true;
}

bool ConnectionTable::EvictFrom(Waiting& waiting, std::function<void()>* evict) {
  for (Places& places : waiting) {
    if (places.empty()) continue;
    ConnectionPlace* const victim = places.front();
    *evict = std::move(victim->evict_);
    Remove(victim);
    ++counts_.evicted_total;
    return true;
  }
  return false;
}

void ConnectionTable::Unlist(ConnectionPlace* place) {
  if (place->phase_ == ConnectionPhase::kBusy) return;
  const size_t index = IndexOf(place->phase_);
  waiting_[index].erase(place->in_all_);
  place->address_->waiting[index].erase(place->in_address_);
  place->phase_ = ConnectionPhase::kBusy;
}

void ConnectionTable::Release(ConnectionPlace* place) {
  if (place->address_ == nullptr) return;
  place->address_->memory_bytes -= place->memory_bytes_;
  counts_.body_memory_bytes -= place->memory_bytes_;
  place->memory_bytes_ = 0;
}

void ConnectionTable::Remove(ConnectionPlace* place) {
  if (place->address_ == nullptr) return;
  Unlist(place);
  Release(place);
  --counts_.connections;
  Address* const address = std::exchange(place->address_, nullptr);
  if (--address->connections > 0) return;
  const std::string key = address->key;
  addresses_.erase(key);
}

ConnectionTable::Counts ConnectionTable::counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

std::string AddressKey(const std::string& numeric) {
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, numeric.c_str(), bytes.data()) != 1) return numeric;
  constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return inet_ntop(AF_INET, bytes.data() + kMapped.size(), text.data(), text.size());
  }
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
}

}  // namespace convoyd

// The connections of a server and what they may hold: how many there are, how many of one address,
// and how much memory the bodies take that are being read, in total and for one address.
//
// A new connection always finds room while another one has nothing to do: then the one that has
// waited longest is closed for it. Those that never sent anything go first, then those that are
// sending a head, then those between two requests.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace convoyd {

struct ConnectionLimits {
  uint32_t connections_max = 10'000;
  uint32_t connections_per_address_max = 5'000;
  uint64_t body_memory_bytes_max = 128 * 1024 * 1024;
  uint64_t body_memory_per_address_bytes_max = 64 * 1024 * 1024;
};

// The phase of a connection decides whether it may be closed for a new one: the first two may.
enum class ConnectionPhase : uint8_t { kNew, kReadingHead, kIdle, kBusy };

class ConnectionTable;

// The place of one connection in the table, which must outlive it. Given back when it goes.
class ConnectionPlace {
 public:
  ~ConnectionPlace();
  ConnectionPlace(const ConnectionPlace&) = delete;
  ConnectionPlace& operator=(const ConnectionPlace&) = delete;

  void Enter(ConnectionPhase phase);
  // Asks for the memory of a body, of which `held` bytes were granted before.
  bool Grow(uint64_t held, uint64_t wanted);
  // Gives back all that was granted.
  void ReleaseMemory();
  // `evict` is called, from any thread, at most once, when the place has been given away.
  void set_evict(std::function<void()> evict);

 private:
  friend class ConnectionTable;
  struct Address;
  using Places = std::list<ConnectionPlace*>;
  // By phase, those that have waited longest first.
  using Waiting = std::array<Places, static_cast<size_t>(ConnectionPhase::kBusy)>;

  ConnectionPlace(ConnectionTable* table, Address* address) : table_(table), address_(address) {}

  ConnectionTable* const table_;
  // The rest is guarded by the table's mutex.
  Address* address_;  // null once the place has been given away
  ConnectionPhase phase_ = ConnectionPhase::kBusy;
  Places::iterator in_all_;      // if it is not busy
  Places::iterator in_address_;  // the same
  uint64_t memory_bytes_ = 0;
  std::function<void()> evict_;
};

// Safe to use from any thread.
class ConnectionTable {
 public:
  struct Counts {
    uint64_t connections = 0;
    uint64_t refused_total = 0;              // there was no room in all
    uint64_t refused_for_address_total = 0;  // the address had its share
    uint64_t evicted_total = 0;
    uint64_t body_memory_bytes = 0;
    uint64_t memory_refused_total = 0;
  };

  explicit ConnectionTable(const ConnectionLimits& limits);
  ~ConnectionTable();

  // nullptr: there is no room, and no connection that could make some.
  std::unique_ptr<ConnectionPlace> Reserve(const std::string& address);

  // Closes the connection that has waited longest, whatever the limits are. False: all are busy.
  bool EvictOne();

  Counts counts() const;

 private:
  friend class ConnectionPlace;
  using Address = ConnectionPlace::Address;
  using Places = ConnectionPlace::Places;
  using Waiting = ConnectionPlace::Waiting;

  bool EvictFrom(Waiting& waiting, std::function<void()>* evict)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes `place` out of its lists, if it is in any.
  void Unlist(ConnectionPlace* place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(ConnectionPlace* place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(ConnectionPlace* place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ConnectionLimits limits_;
  mutable absl::Mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Address>> addresses_ ABSL_GUARDED_BY(mutex_);
  Waiting waiting_ ABSL_GUARDED_BY(mutex_);
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

// The key by which connections are counted: an IPv4 address, or the first 64 bits of an IPv6
// address, all of which one host may have.
std::string AddressKey(const std::string& numeric);

}  // namespace convoyd

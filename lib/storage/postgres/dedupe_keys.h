// Keys of submissions, which are accepted once while a key is held. Keys are inserted before it is
// known which of them are needed: nearly all are new, and so need not be looked up.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/names.h"

namespace convoy::storage::postgres {

// Bytes of a dedupe key in a row: those of its digest.
std::string HashText(std::string_view key);

// The keys of one stretch of a group, in a write transaction. Another writer of one of them is
// waited for.
class DedupeKeys {
 public:
  explicit DedupeKeys(Connection* connection) : connection_(*connection) {}

  // The expiry is that of the first which is added.
  void Add(const DedupeKey& key);
  bool is_empty() const { return keys_.empty(); }

  // Queues one statement, whose answer Finish takes. The projects must have been locked before.
  void Queue();
  // Reads what was there before, in a round trip if there is any.
  absl::Status Finish(const Rows& inserted, const Interning& names);

  bool IsHeld(const DedupeKey& key, absl::Time now) const;
  // False if it is held.
  bool Take(const DedupeKey& key, absl::Time now);

  // Queues what is left to write.
  void QueueRest(const Interning& names);

 private:
  // The scope and the digest.
  using Name = std::pair<std::string, std::string>;
  struct State {
    int64_t inserted_until_us = 0;  // the expiry of a row that was inserted
    bool is_inserted = false;
    bool is_stored = false;  // a row was there
    bool is_taken = false;
    bool is_held = false;  // by what is stored, or taken
    int64_t expires_at_us = 0;
  };

  static Name NameOf(const DedupeKey& key);
  absl::Status ReadStored();

  Connection& connection_;
  std::map<Name, State> keys_;  // in one order for all writers
};

}  // namespace convoy::storage::postgres

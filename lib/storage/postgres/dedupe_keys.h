// Keys of submissions, which are accepted once while a key is held. Keys are inserted before it is
// known which of them are needed: nearly all are new, and so need not be looked up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/storage/key_hash.h"
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

  // One that may be taken. The expiry is that of the first which is added. Keys must stay where
  // they are.
  void Add(const DedupeKey& key);
  // One that is only asked for.
  void AddToRead(const DedupeKey& key) { StateOf(key); }

  // Queues statements, whose answers Finish takes off the end of all. The projects must have been
  // locked before.
  void Queue();
  size_t answers_count() const { return size_t{inserts_count_ > 0} + size_t{has_read_}; }
  // Reads what was there before, in a round trip if there is any.
  absl::Status Finish(std::vector<Rows>& answers, const Interning& names);

  // Whether each may be taken, unless a row of it is there.
  bool are_all_different() const { return !has_read_ && states_.size() == keys_.size(); }
  // In place of Finish, by the answer to the only statement.
  bool are_all_inserted(const Rows& rows) const { return rows.count() == inserts_count_; }

  // Of one that was added.
  bool IsHeld(const DedupeKey& key, absl::Time now) const;
  // False if it is held.
  bool Take(const DedupeKey& key, absl::Time now);

  // Queues what is left to write.
  void QueueRest(const Interning& names);

 private:
  struct Name {
    std::string_view scope;
    KeyHash hash;

    std::string_view digest() const { return {hash.data(), hash.size()}; }
    friend bool operator<(const Name& a, const Name& b) {
      return std::pair(a.scope, a.digest()) < std::pair(b.scope, b.digest());
    }
  };
  struct State {
    int64_t inserted_until_us = 0;  // the expiry of the row that is inserted at first
    bool may_be_taken = false;
    bool is_inserted = false;
    bool is_stored = false;  // a row was there
    bool is_taken = false;
    bool is_held = false;  // by what is stored, or taken
    int64_t expires_at_us = 0;
  };

  State& StateOf(const DedupeKey& key);
  void QueueInsert();
  bool is_of_one_scope() const {
    return !keys_.empty() && keys_.begin()->first.scope == keys_.rbegin()->first.scope;
  }
  absl::Status TakeInserted(const Rows& rows, const Interning& names);
  // Queues a read of those that are to be read, or, after the insert, of those that were there.
  bool QueueRead(bool is_after_insert);
  void TakeStored(const Rows& rows);

  Connection& connection_;
  std::map<Name, State> keys_;  // in one order for all writers
  absl::flat_hash_map<const DedupeKey*, State*> states_;
  std::vector<State*> read_;  // by the statement that was queued last
  int inserts_count_ = 0;     // rows of the first insert
  bool has_read_ = false;
};

}  // namespace convoy::storage::postgres

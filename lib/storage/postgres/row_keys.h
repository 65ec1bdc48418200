// Keys of the rows of what flows, as in lib/storage/sqlite/row_keys.h: the key of a row is the one
// that its id gives, or one of the next if rows of other ids were there first.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/rows.h"

namespace convoy::storage::postgres {

// Keys that ids give, ascending, each once.
std::vector<int64_t> KeysOf(const std::vector<std::string_view>& ids);

// Keys for new rows of one table. At first they are taken to be free: an insert into one that is
// not breaks the primary key, and then the transaction is made again with a look at what is there.
class KeyChooser {
 public:
  // `table` and `owner` (the column with the project, of attempts the delivery) are words of ours.
  KeyChooser(std::string_view table, std::string_view owner) : table_(table), owner_(owner) {}

  // Looks at the keys near those of `ids`, ULIDs.
  absl::Status Look(Connection& connection, const std::vector<std::string_view>& ids);
  // kAlreadyExists if the id is stored.
  absl::StatusOr<RowKey> Choose(std::string_view id, int64_t owner);

 private:
  struct Taken {
    int64_t shift = 0;
    int64_t tail = 0;
    int64_t owner = 0;
  };

  std::string_view table_, owner_;
  absl::flat_hash_map<int64_t, Taken> taken_;
  bool has_looked_ = false;
};

}  // namespace convoy::storage::postgres

// One of the two stores of a copy: its rows, without the meaning of a store, and the certainty that
// no gateway runs on it. While the object lives, none can be started on it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/copy/tables.h"

namespace convoy::storage::copy {

// Not safe for several threads at once.
class Side {
 public:
  virtual ~Side() = default;

  // A text by which the store is recognised; without secrets.
  virtual const std::string& name() const = 0;

  virtual absl::StatusOr<uint64_t> Count(const Table& table) = 0;
  // The next rows behind `after`, or the first ones: some, unless there are no more.
  virtual absl::StatusOr<std::vector<Record>> ReadAfter(const Table& table,
                                                        const std::optional<Record>& after) = 0;
  // The key of the last row; nullopt if there is none.
  virtual absl::StatusOr<std::optional<Record>> LastKey(const Table& table) = 0;
  // The greatest number that was ever given to a name.
  virtual absl::StatusOr<int64_t> LastName() = 0;

  // Inserts rows, in a transaction of its own.
  virtual absl::Status Insert(const Table& table, const std::vector<Record>& rows) = 0;
  // So that new names get greater numbers, and changes of configuration greater generations.
  virtual absl::Status RaiseCounters(int64_t last_name) = 0;

  // The mark of an unfinished copy: the name of its origin. Removing it makes what was inserted
  // durable.
  virtual absl::StatusOr<std::optional<std::string>> ReadMark() = 0;
  virtual absl::Status WriteMark(std::string_view origin) = 0;
  virtual absl::Status RemoveMark() = 0;
};

// The store that is copied, which must exist; its claims are given back.
absl::StatusOr<std::unique_ptr<Side>> OpenSqliteSource(const std::string& path);
absl::StatusOr<std::unique_ptr<Side>> OpenPostgresSource(const std::string& dsn,
                                                         const std::string& schema);
// The store that a copy goes into, which is created.
absl::StatusOr<std::unique_ptr<Side>> OpenSqliteTarget(const std::string& path);
absl::StatusOr<std::unique_ptr<Side>> OpenPostgresTarget(const std::string& dsn,
                                                         const std::string& schema);

}  // namespace convoy::storage::copy

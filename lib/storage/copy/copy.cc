// Copying of stores: table by table, in pages, each of them a transaction of the target. The last
// row that is there tells how far a copy has come. In the end both stores are read side by side.
#include "convoy/copy.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/copy/side.h"

namespace convoy::storage::copy {
namespace {

absl::StatusOr<std::unique_ptr<Side>> OpenSource(const CopySide& side) {
  return side.path.empty() ? OpenPostgresSource(side.dsn, side.schema)
                           : OpenSqliteSource(side.path);
}

absl::StatusOr<std::unique_ptr<Side>> OpenTarget(const CopySide& side) {
  return side.path.empty() ? OpenPostgresTarget(side.dsn, side.schema)
                           : OpenSqliteTarget(side.path);
}

Record KeyOf(const Table& table, const Record& row) {
  return Record(row.begin(), row.begin() + static_cast<ptrdiff_t>(table.keys_count));
}

// The rows of a table one after the other, page by page.
class Walk {
 public:
  Walk(Side* side, const Table* table) : side_(*side), table_(*table) {}

  // nullptr behind the last one. Valid until the next call.
  absl::StatusOr<const Record*> Next() {
    if (next_ == page_.size()) {
      if (is_over_) return nullptr;
      CONVOY_ASSIGN_OR_RETURN(page_, side_.ReadAfter(table_, last_));
      next_ = 0;
      is_over_ = page_.empty();
      if (is_over_) return nullptr;
      last_ = KeyOf(table_, page_.back());
    }
    return &page_[next_++];
  }

 private:
  Side& side_;
  const Table& table_;
  std::vector<Record> page_;
  std::optional<Record> last_;
  size_t next_ = 0;
  bool is_over_ = false;
};

class Copying {
 public:
  Copying(Side* from, Side* to, const CopyOptions* options)
      : from_(*from), to_(*to), options_(*options) {}

  absl::StatusOr<CopyCounts> Run() {
    CONVOY_RETURN_IF_ERROR(CountAll());
    CONVOY_ASSIGN_OR_RETURN(const bool is_whole, Begin());
    if (is_whole) return counts_;
    for (const Table& table : Tables()) CONVOY_RETURN_IF_ERROR(CopyTable(table));
    CONVOY_ASSIGN_OR_RETURN(const int64_t last_name, from_.LastName());
    CONVOY_RETURN_IF_ERROR(to_.RaiseCounters(last_name));
    CONVOY_RETURN_IF_ERROR(CompareAll());
    CONVOY_RETURN_IF_ERROR(to_.RemoveMark());
    return counts_;
  }

 private:
  // True if the target is a whole copy already: the process that made it ended before it said so.
  absl::StatusOr<bool> Begin() {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<std::string> mark, to_.ReadMark());
    if (mark == from_.name()) return false;
    if (mark.has_value()) {
      return absl::FailedPreconditionError(
          absl::StrCat(to_.name(), " holds an unfinished copy of another store, ", *mark));
    }
    for (const Table& table : Tables()) {
      CONVOY_ASSIGN_OR_RETURN(const std::optional<Record> last, to_.LastKey(table));
      if (!last.has_value()) continue;
      const absl::Status status = CompareAll();
      if (status.ok()) return true;
      if (!absl::IsDataLoss(status)) return status;
      return absl::FailedPreconditionError(
          absl::StrCat(to_.name(), " is not empty: there are rows in the table ", table.name));
    }
    CONVOY_RETURN_IF_ERROR(to_.WriteMark(from_.name()));
    return false;
  }

  absl::Status CountAll() {
    for (const Table& table : Tables()) {
      CONVOY_ASSIGN_OR_RETURN(const uint64_t count, from_.Count(table));
      counts_.rows += count;
      if (table.name == "event") counts_.events = count;
      if (table.name == "delivery") counts_.deliveries = count;
      if (table.name == "attempt") counts_.attempts = count;
    }
    progress_.rows_count = counts_.rows;
    return absl::OkStatus();
  }

  absl::Status Report(const Table& table, uint64_t rows_count) {
    progress_.table = table.name;
    progress_.rows_done += rows_count;
    if (options_.on_progress == nullptr || options_.on_progress(progress_)) {
      return absl::OkStatus();
    }
    return absl::CancelledError("stopped; the same command goes on from here");
  }

  absl::Status CopyTable(const Table& table) {
    CONVOY_ASSIGN_OR_RETURN(std::optional<Record> last, to_.LastKey(table));
    CONVOY_ASSIGN_OR_RETURN(const uint64_t count, to_.Count(table));
    CONVOY_RETURN_IF_ERROR(Report(table, count));
    while (true) {
      CONVOY_ASSIGN_OR_RETURN(const std::vector<Record> page, from_.ReadAfter(table, last));
      if (page.empty()) return absl::OkStatus();
      CONVOY_RETURN_IF_ERROR(to_.Insert(table, page));
      last = KeyOf(table, page.back());
      CONVOY_RETURN_IF_ERROR(Report(table, page.size()));
    }
  }

  absl::Status CompareAll() {
    progress_.is_comparing = true;
    progress_.rows_done = 0;
    for (const Table& table : Tables()) CONVOY_RETURN_IF_ERROR(CompareTable(table));
    return absl::OkStatus();
  }

  absl::Status CompareTable(const Table& table) {
    Walk ours(&from_, &table), theirs(&to_, &table);
    uint64_t rows_count = 0;
    while (true) {
      CONVOY_ASSIGN_OR_RETURN(const Record* const row, ours.Next());
      CONVOY_ASSIGN_OR_RETURN(const Record* const copy, theirs.Next());
      const bool is_same = (row == nullptr) == (copy == nullptr) &&
                           (row == nullptr || copy == nullptr || *row == *copy);
      if (!is_same) {
        return absl::DataLossError(absl::StrCat(
            "row ", rows_count + 1, " of the table ", table.name, " differs in ", to_.name(),
            ": it is not a copy of what is in ", from_.name(),
            " now; a gateway may have run on it since the copy was begun. Remove the copy and "
            "begin anew"));
      }
      if (row == nullptr) break;
      if (++rows_count % static_cast<uint64_t>(kPageRowsMax) == 0) {
        CONVOY_RETURN_IF_ERROR(Report(table, static_cast<uint64_t>(kPageRowsMax)));
      }
    }
    return Report(table, rows_count % static_cast<uint64_t>(kPageRowsMax));
  }

  Side& from_;
  Side& to_;
  const CopyOptions& options_;
  CopyProgress progress_;
  CopyCounts counts_;
};

}  // namespace
}  // namespace convoy::storage::copy

namespace convoy {

absl::StatusOr<CopyCounts> CopyStore(const CopyOptions& options) {
  for (const CopySide* side : {&options.from, &options.to}) {
    if (side->path.empty() == side->dsn.empty()) {
      return absl::InvalidArgumentError(
          "each side of a copy is either the path of an SQLite file or a connection URI");
    }
  }
  CONVOY_ASSIGN_OR_RETURN(const auto from, storage::copy::OpenSource(options.from));
  CONVOY_ASSIGN_OR_RETURN(const auto to, storage::copy::OpenTarget(options.to));
  return storage::copy::Copying(from.get(), to.get(), &options).Run();
}

}  // namespace convoy

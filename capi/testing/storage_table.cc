// The requirements of tables within one process.
#include "capi/testing/storage_table.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace convoy::capi {

absl::StatusOr<std::unique_ptr<CStorage>> StorageMaker::Make(bool is_new) const {
  convoy_storage made = {};
  made.struct_size = sizeof made;
  FailureRoom room;
  convoy_status code = CONVOY_E_INTERNAL;
  const bool is_called = CallPart(
      nullptr, [&] { code = factory_.make(factory_.self, is_new ? 1 : 0, &made, room.get()); });
  if (!is_called) return absl::InternalError("make threw an exception");
  if (code != CONVOY_OK) return room.StatusOf(code);
  absl::Status checked = CheckTable(&made, "storage", sizeof made);
  if (!checked.ok()) return checked;
  auto part = std::make_shared<const StoragePart>(CopyTable(made));
  checked = CheckComplete(**part);
  if (!checked.ok()) return checked;
  return std::make_unique<CStorage>(std::move(part), nullptr);
}

std::vector<TableChange> PutsOf(const Rows& rows) {
  std::vector<TableChange> changes;
  for (const auto& [key, value] : rows) changes.push_back({key, value});
  return changes;
}

absl::StatusOr<RowList> ScanAll(CStorage& table, std::string_view from, std::string_view until,
                                uint64_t rows_max) {
  RowList rows;
  const absl::Status scanned = table.Scan(
      from, until, rows_max,
      [&rows](std::string_view key, std::string_view value) { rows.emplace_back(key, value); });
  if (!scanned.ok()) return scanned;
  return rows;
}

std::string Show(std::string_view bytes) {
  constexpr size_t kBytesMax = 24;
  return absl::StrCat("\"", absl::CHexEscape(bytes.substr(0, kBytesMax)),
                      bytes.size() > kBytesMax ? "…" : "", "\"");
}

std::string DifferenceOf(const RowList& rows, const Rows& expected) {
  auto wanted = expected.begin();
  for (size_t i = 0; i < rows.size(); ++i, ++wanted) {
    const auto& [key, value] = rows[i];
    if (i > 0 && key <= rows[i - 1].first) {
      return absl::StrCat("the key ", Show(key), " came behind ", Show(rows[i - 1].first));
    }
    if (wanted == expected.end() || key < wanted->first) {
      return absl::StrCat("the row ", Show(key), " should not be there");
    }
    if (key != wanted->first) return absl::StrCat("the row ", Show(wanted->first), " is missing");
    if (value != wanted->second) {
      return absl::StrCat("the row ", Show(key), " has ", value.size(), " bytes, ", Show(value),
                          ", instead of ", wanted->second.size(), ", ", Show(wanted->second));
    }
  }
  if (wanted == expected.end()) return "";
  return absl::StrCat("the row ", Show(wanted->first), " is missing");
}

namespace {

std::string Failed(std::string_view what, const absl::Status& status) {
  return absl::StrCat(what, " failed: ", status.message());
}

// Scans all and compares.
std::string Compare(CStorage& table, const Rows& expected) {
  const absl::StatusOr<RowList> rows = ScanAll(table);
  return rows.ok() ? DifferenceOf(*rows, expected) : Failed("scan", rows.status());
}

// Opens a new place with the rows. Says in `out_failure` if that failed.
std::unique_ptr<CStorage> MakeWith(const StorageMaker& maker, const Rows& rows,
                                   std::string* out_failure) {
  absl::StatusOr<std::unique_ptr<CStorage>> table = maker.Make(true);
  if (!table.ok()) {
    *out_failure = Failed("make", table.status());
    return nullptr;
  }
  if (const absl::Status written = (*table)->Write(PutsOf(rows)); !written.ok()) {
    *out_failure = Failed("write", written);
    return nullptr;
  }
  return *std::move(table);
}

Rows OddRows() {
  Rows rows = {{"b", "1"},
               {"a", ""},
               {"ab", "3"},
               {std::string("a\0", 2), "4"},
               {std::string("a\0b", 3), "5"},
               {"\xff", "6"},
               {"\x7f", "7"},
               {"\x80", "8"},
               {std::string(1, '\0'), "9"},
               {std::string(CONVOY_STORAGE_KEY_BYTES_MAX, 'k'), "10"},
               {std::string(CONVOY_STORAGE_KEY_BYTES_MAX, '\xff'), "11"}};
  rows["bytes"] = std::string("\0\xff\n\0", 4);
  return rows;
}

std::string CheckNew(const StorageMaker& maker) {
  std::string failure;
  if (MakeWith(maker, {{"a", "1"}}, &failure) == nullptr) return failure;
  const auto again = maker.Make(true);
  return again.ok() ? Compare(**again, {}) : Failed("make", again.status());
}

std::string CheckOrder(const StorageMaker& maker) {
  std::string failure;
  const auto table = MakeWith(maker, OddRows(), &failure);
  return table == nullptr ? failure : Compare(*table, OddRows());
}

std::string CheckBounds(const StorageMaker& maker) {
  std::string failure;
  const auto table = MakeWith(maker, OddRows(), &failure);
  if (table == nullptr) return failure;
  struct Range {
    std::string from, until;
    uint64_t rows_max;
  };
  const Range ranges[] = {{"a", "b", 100},   {"a", "", 100}, {"", "a", 100},  {"aa", "ab", 100},
                          {"ab", "ac", 100}, {"", "", 3},    {"a", "b", 2},   {"b", "a", 100},
                          {"zz", "", 100},   {"", "", 0},    {"\x80", "", 1}, {"a", "a", 5}};
  for (const Range& range : ranges) {
    Rows expected;
    for (const auto& [key, value] : OddRows()) {
      const bool is_in = key >= range.from && (range.until.empty() || key < range.until);
      if (is_in && expected.size() < range.rows_max) expected[key] = value;
    }
    const auto rows = ScanAll(*table, range.from, range.until, range.rows_max);
    if (!rows.ok()) return Failed("scan", rows.status());
    const std::string difference = DifferenceOf(*rows, expected);
    if (difference.empty()) continue;
    return absl::StrCat("from ", Show(range.from), " until ", Show(range.until), ", at most ",
                        range.rows_max, ": ", difference);
  }
  return "";
}

// Batches of puts, replacements and removals, compared after each.
std::string CheckBatches(const StorageMaker& maker, bool reopens) {
  Rows expected = OddRows();
  std::string failure;
  std::unique_ptr<CStorage> table = MakeWith(maker, expected, &failure);
  if (table == nullptr) return failure;
  for (int round = 1; round <= 24; ++round) {
    std::vector<TableChange> changes = {{"not there", "", true}};
    for (int i = 0; i < round * 8; ++i) {
      const std::string key = absl::StrCat("row ", (i * 7 + round * 13) % 120);
      if (i >= 120) break;
      if ((i + round) % 3 == 0) {
        changes.push_back({key, "", true});
        expected.erase(key);
      } else {
        const std::string value(static_cast<size_t>((i * round) % 50), 'a');
        changes.push_back({key, absl::StrCat(value, round)});
        expected[key] = changes.back().value;
      }
    }
    if (round == 12) {
      changes.push_back({"large", std::string(1 << 20, '\x01')});
      expected["large"] = changes.back().value;
    }
    if (const absl::Status written = table->Write(changes); !written.ok()) {
      return Failed("write", written);
    }
    if (reopens) {
      table.reset();
      auto again = maker.Make(false);
      if (!again.ok()) return Failed("make", again.status());
      table = *std::move(again);
    }
    const std::string difference = Compare(*table, expected);
    if (!difference.empty()) return absl::StrCat("after batch ", round, ": ", difference);
  }
  return "";
}

std::string CheckWhole(const StorageMaker& maker) { return CheckBatches(maker, false); }
std::string CheckReopened(const StorageMaker& maker) { return CheckBatches(maker, true); }

// A thread that does something while a scan is under way, and is waited for only so long: a table
// may let writes wait for scans.
class Meanwhile {
 public:
  template <typename Work>
  explicit Meanwhile(Work work)
      : thread_([this, work] {
          work();
          std::lock_guard lock(mutex_);
          is_done_ = true;
          done_.notify_all();
        }) {}
  ~Meanwhile() { thread_.join(); }

  void WaitABit() {
    std::unique_lock lock(mutex_);
    done_.wait_for(lock, std::chrono::milliseconds(100), [this] { return is_done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  bool is_done_ = false;
  std::thread thread_;
};

Rows Generation(int number) {
  Rows rows;
  for (int i = 0; i < 40; ++i) rows[absl::StrCat("row ", 100 + i)] = absl::StrCat(number);
  return rows;
}

std::string CheckOneState(const StorageMaker& maker) {
  std::string failure;
  const auto table = MakeWith(maker, Generation(1), &failure);
  if (table == nullptr) return failure;
  for (int number = 2; number <= 6; ++number) {
    RowList rows;
    absl::Status written, scanned;
    {
      std::unique_ptr<Meanwhile> writer;
      scanned = table->Scan("", "", 1000, [&](std::string_view key, std::string_view value) {
        rows.emplace_back(key, value);
        if (rows.size() != static_cast<size_t>(5 * (number - 1))) return;
        writer = std::make_unique<Meanwhile>([&, number] {
          std::vector<TableChange> changes = PutsOf(Generation(number));
          changes.push_back({"row 0", "new"});
          changes.push_back({"row 999", "new"});
          written = table->Write(changes);
        });
        writer->WaitABit();
      });
    }
    if (!scanned.ok()) return Failed("scan", scanned);
    if (!written.ok()) return Failed("write", written);
    Rows before = Generation(number - 1);
    if (number > 2) before["row 0"] = before["row 999"] = "new";
    const std::string difference = DifferenceOf(rows, before);
    if (!difference.empty()) {
      return absl::StrCat("a batch was written during a scan; ", difference);
    }
    if (const absl::Status removed = table->Write(std::vector<TableChange>{{"row 0", "new"}});
        !removed.ok()) {
      return Failed("write", removed);
    }
  }
  return "";
}

std::string CheckMemory(const StorageMaker& maker) {
  std::string failure;
  const auto table = MakeWith(maker, OddRows(), &failure);
  if (table == nullptr) return failure;
  std::string difference;
  std::mutex mutex;
  absl::Status others;
  absl::Status scanned;
  {
    constexpr size_t kScansMax = 4;
    std::vector<std::unique_ptr<Meanwhile>> scans;  // end when the outer one has
    scanned = table->Scan("", "", 1000, [&](std::string_view key, std::string_view value) {
      if (!difference.empty() || scans.size() == kScansMax) return;
      const std::string key_before(key), value_before(value);
      scans.push_back(std::make_unique<Meanwhile>([&] {
        const absl::Status status = ScanAll(*table).status();
        std::lock_guard lock(mutex);
        others.Update(status);
      }));
      scans.back()->WaitABit();
      if (key != key_before || value != value_before) {
        difference =
            absl::StrCat("while emit ran for the row ", Show(key_before),
                         ", another scan turned it into ", Show(key), " with ", Show(value));
      }
    });
  }
  if (!scanned.ok()) return Failed("scan", scanned);
  return others.ok() ? difference : Failed("scan", others);
}

std::string CheckSyncs(const StorageMaker& maker) {
  std::string failure;
  const auto table = MakeWith(maker, {{"a", "1"}}, &failure);
  if (table == nullptr) return failure;
  absl::Status synced, written;
  {
    std::atomic<bool> is_over = false;
    std::thread syncer([&] {
      while (!is_over) synced.Update(table->Sync());
    });
    for (int i = 0; i < 50; ++i) {
      written.Update(table->Write(std::vector<TableChange>{{"a", absl::StrCat(i)}}));
    }
    is_over = true;
    syncer.join();
  }
  if (!synced.ok()) return Failed("sync", synced);
  if (!written.ok()) return Failed("write", written);
  return Compare(*table, {{"a", "49"}});
}

}  // namespace

std::vector<TableRequirement> TableRequirements() {
  return {
      {"a new place is empty", CheckNew},
      {"a scan gives the rows in the order of their keys as bytes", CheckOrder},
      {"a scan keeps to its bounds and to its number of rows", CheckBounds},
      {"a batch puts, replaces and removes all of its rows", CheckWhole},
      {"a scan shows one state, whatever is written meanwhile", CheckOneState},
      {"a row stays as it is until emit returns", CheckMemory},
      {"a sync and writes may run at the same time", CheckSyncs},
      {"what was written is there when the place is opened again", CheckReopened},
      {"what was synced survives the death of the process", CheckSyncedSurvives, true},
      {"a batch survives the death of the process whole, or not at all", CheckBatchesSurviveWhole,
       true},
  };
}

}  // namespace convoy::capi

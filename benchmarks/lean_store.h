// The least that SQLite must do to store what a gateway stores: a schema of its own that does not
// change when ours does, integer keys, one thread, synchronous=FULL.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sqlite3.h>

namespace benchmarks {

class LeanStore {
 public:
  // Creates the database anew.
  explicit LeanStore(const std::string& path);

  // Accepts `count` events in transactions of `batch`: for each, one event row (a body of 1 KiB,
  // headers of 100 bytes), one delivery with indexes by event, project and due time, and one dedupe
  // key of 16 bytes in random order. Returns the seconds that it took.
  double InsertEvents(int64_t count, int64_t batch);

  // Records the outcomes of deliveries [first, first + count) in one transaction: for each, the
  // delivery's next state and an attempt row with headers of the request and of the response.
  void RecordOutcomes(int64_t first, int64_t count);

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  void Execute(const char* sql);
  Statement Prepare(const char* sql);
  void Run(const Statement& statement);
  void InsertEvent(int64_t key);

  std::unique_ptr<sqlite3, Close> db_;
  Statement insert_event_, insert_delivery_, insert_key_, update_delivery_, insert_attempt_;
  const std::string body_, headers_, request_headers_, response_headers_;
};

}  // namespace benchmarks

// One connection to PostgreSQL and its prepared statements, in pipeline mode: statements are queued
// and sent, and their answers are waited for together.
#pragma once

#include <libpq-fe.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/postgres/params.h"
#include "lib/storage/sqlite/names.h"

namespace convoy::storage::postgres {

struct ConnectionOptions {
  std::string dsn;     // a connection URI or string of libpq
  std::string schema;  // checked: it is safe to be written into SQL
  // Told of each statement when it is prepared first. For tests; may be null.
  std::function<void(std::string_view sql)> on_statement;
};

// Settings of every session, as SQL. With them the planner has nothing to choose: a statement walks
// the index that is made for it, however large the tables are and whatever their statistics say.
extern const char* const kSessionSettings;

// Not safe for several threads at once.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends a statement, prepared on first use. What it fails of is told by the next Flush, and those
  // behind a failed one are not executed.
  void Queue(std::string_view sql, const Params& params = {});
  // Waits for the answers to all that is queued, in its order.
  absl::StatusOr<std::vector<Rows>> Flush();
  // Queues a statement, waits, and gives its answer.
  absl::StatusOr<Rows> Run(std::string_view sql, const Params& params = {});
  bool has_queued() const { return !queued_.empty(); }

  // Several statements without parameters, outside the pipeline.
  absl::Status Execute(const std::string& sql);

  // Ends a transaction that has failed. The connection may be dead afterwards.
  void RollBack();

  bool is_alive() const { return !is_broken_ && PQstatus(connection_) == CONNECTION_OK; }
  // Readable once something has come.
  int fd() const { return PQsocket(connection_); }
  // Reads what has come unasked; whether there were notifications among it.
  bool TakeNotifications();

  NameCache& names() { return names_; }

 private:
  struct Queued {
    std::string preparing;  // the SQL, if it is the preparation of a statement
  };

  Connection(PGconn* connection, const ConnectionOptions& options)
      : connection_(connection), on_statement_(options.on_statement) {}

  absl::Status SetUp(const std::string& schema);
  const std::string& NameOfStatement(std::string_view sql);
  // The answer to one queued statement.
  absl::StatusOr<Rows> TakeAnswer();
  absl::Status Lost();

  PGconn* const connection_;
  const std::function<void(std::string_view)> on_statement_;
  absl::flat_hash_map<std::string, std::string> statements_;  // SQL -> name
  int statements_count_ = 0;
  std::deque<Queued> queued_;
  bool is_broken_ = false;
  NameCache names_;
};

}  // namespace convoy::storage::postgres

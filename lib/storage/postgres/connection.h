// One connection to PostgreSQL and its prepared statements, in pipeline mode: statements are queued
// and sent, and their answers are waited for together.
//
// Behind a pooler that gives each transaction another session, sessions keep nothing: there the
// settings go before the first statement of each transaction, and no statement is prepared. That
// there is one is learned from the number of the session's process, which poolers make up.
#pragma once

#include <libpq-fe.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/name_cache.h"
#include "lib/storage/postgres/params.h"

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
// The same for one transaction, as a query.
std::string TransactionSettings(std::string_view schema);

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
  // Makes the server begin with what is queued, to which more will be added.
  void Push();
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
  // Whether there is a pooler between: session locks and notifications are not to be had.
  bool is_pooled() const { return is_pooled_; }
  // For SQL that begins a transaction by Execute: what is to stand behind BEGIN.
  std::string settings_in_transaction() const {
    return is_pooled_ ? transaction_settings_ + ";" : std::string();
  }
  int fd() const { return PQsocket(connection_); }  // for waiting; -1 if there is none

  struct Notifications {
    bool has_config = false;
    bool has_work = false;  // of another session

    bool has_any() const { return has_config || has_work; }
  };
  // Reads what has come unasked.
  Notifications TakeNotifications();

  NameCache& names() { return names_; }

 private:
  struct Queued {
    std::string preparing;       // the SQL, if it is the preparation of a statement
    bool has_no_reader = false;  // its answer is for none of the callers
  };

  Connection(PGconn* connection, const ConnectionOptions& options)
      : connection_(connection), on_statement_(options.on_statement) {}

  absl::Status SetUp(const std::string& schema);
  absl::StatusOr<bool> FindPooler();
  void Send(std::string_view sql, const Params& params, bool has_no_reader);
  bool is_between_transactions() const {
    return queued_.empty() && PQtransactionStatus(connection_) == PQTRANS_IDLE;
  }
  const std::string& NameOfStatement(std::string_view sql);
  // The answer to one queued statement.
  absl::StatusOr<Rows> TakeAnswer();
  absl::Status Lost();

  PGconn* const connection_;
  const std::function<void(std::string_view)> on_statement_;
  absl::flat_hash_map<std::string, std::string> statements_;  // SQL -> name
  int statements_count_ = 0;
  bool is_pooled_ = false;
  std::string transaction_settings_;       // if it is
  absl::flat_hash_set<std::string> told_;  // statements that on_statement_ knows, if it is
  std::deque<Queued> queued_;
  bool is_broken_ = false;
  NameCache names_;
};

}  // namespace convoy::storage::postgres

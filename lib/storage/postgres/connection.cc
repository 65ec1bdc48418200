// libpq's calls, and its results as statuses; see connection.h.
#include "lib/storage/postgres/connection.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/postgres/failure.h"

namespace convoy::storage::postgres {

// Transactions are built on row locks, not on snapshots. A session that is stopped within a
// transaction holds its locks no longer than the timeout.
const char* const kSessionSettings =
    "SET client_min_messages = warning; SET default_transaction_isolation = 'read committed'; "
    "SET enable_seqscan = off; SET enable_bitmapscan = off; "
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; "
    "SET enable_memoize = off; SET jit = off; SET plan_cache_mode = force_generic_plan; "
    "SET idle_in_transaction_session_timeout = '30s'; "
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'";

std::string TransactionSettings(std::string_view schema) {
  std::string settings =
      absl::StrCat("SELECT set_config('search_path', '\"", schema,
                   "\"', true), set_config('plan_cache_mode', 'force_generic_plan', true), "
                   "set_config('idle_in_transaction_session_timeout', '30s', true), "
                   "set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
                   "WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)");
  for (const char* choice : {"enable_seqscan", "enable_bitmapscan", "enable_hashjoin",
                             "enable_mergejoin", "enable_material", "enable_memoize", "jit"}) {
    absl::StrAppend(&settings, ", set_config('", choice, "', 'off', true)");
  }
  return settings;
}

namespace {

// Seconds until a server that does not answer counts as gone.
constexpr const char* kConnectTimeout = "5";
constexpr const char* kAliveAfter = "10";
constexpr const char* kAliveInterval = "5";
constexpr const char* kAliveCount = "3";
constexpr const char* kUserTimeoutMs = "30000";

// Whether libpq reads a text as a connection string: anything else is the name of a database.
bool IsConnectionString(const std::string& dsn) {
  return dsn.starts_with("postgres://") || dsn.starts_with("postgresql://") ||
         dsn.find('=') != dsn.npos;
}

// kInvalidArgument for a string that libpq cannot read. What libpq says of it repeats the string,
// or a piece that is taken for a host or a port because a password has '@' or '/' in it.
absl::Status CheckDsn(const std::string& dsn) {
  if (!IsConnectionString(dsn)) return absl::OkStatus();
  char* message = nullptr;
  PQconninfoOption* const options = PQconninfoParse(dsn.c_str(), &message);
  PQfreemem(message);
  bool is_fit = options != nullptr;
  for (const PQconninfoOption* each = options; each != nullptr && each->keyword != nullptr;
       ++each) {
    const std::string_view keyword = each->keyword;
    const std::string_view value = each->val == nullptr ? "" : each->val;
    if (keyword == "port") is_fit &= value.find_first_not_of("0123456789, ") == value.npos;
    // In front it stands for an abstract socket.
    if (keyword == "host") is_fit &= value.empty() || value.find('@', 1) == value.npos;
  }
  PQconninfoFree(options);
  if (is_fit) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "PostgreSQL: the connection string cannot be read; in a URI the characters ':', '/', '@', "
      "'?', '#' and '%' of a name or a password are written as %3A, %2F, %40, %3F, %23 and %25");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  CONVOY_RETURN_IF_ERROR(CheckDsn(options.dsn));
  // The connection string goes before those that stand in front of it.
  const char* const keywords[] = {
      "connect_timeout",  "keepalives_idle",  "keepalives_interval",
      "keepalives_count", "tcp_user_timeout", "fallback_application_name",
      "dbname",           "client_encoding",  nullptr};
  const char* const values[] = {kConnectTimeout,     kAliveAfter,    kAliveInterval,
                                kAliveCount,         kUserTimeoutMs, "convoy",
                                options.dsn.c_str(), "UTF8",         nullptr};
  PGconn* const raw = PQconnectdbParams(keywords, values, /*expand_dbname=*/1);
  if (raw == nullptr) return absl::ResourceExhaustedError("PostgreSQL: no memory");
  auto connection = absl::WrapUnique(new Connection(raw, options));
  if (PQstatus(raw) != CONNECTION_OK) return LostStatus(PQerrorMessage(raw));
  PQsetNoticeProcessor(
      raw, [](void*, const char*) {}, nullptr);
  CONVOY_RETURN_IF_ERROR(connection->SetUp(options.schema));
  return connection;
}

Connection::~Connection() { PQfinish(connection_); }

absl::Status Connection::SetUp(const std::string& schema) {
  if (PQserverVersion(connection_) < 130000) {
    return absl::FailedPreconditionError("PostgreSQL 13 or later is needed");
  }
  CONVOY_ASSIGN_OR_RETURN(is_pooled_, FindPooler());
  if (is_pooled_) {
    transaction_settings_ = TransactionSettings(schema);
    return PQenterPipelineMode(connection_) == 0 ? Lost() : absl::OkStatus();
  }
  return Execute(absl::StrCat("SET search_path TO \"", schema, "\"; ", kSessionSettings));
}

absl::StatusOr<bool> Connection::FindPooler() {
  const Rows answer(PQexec(connection_, "SELECT pg_backend_pid()::text"));
  CONVOY_RETURN_IF_ERROR(answer.error());
  if (!is_alive() || answer.count() == 0) return Lost();
  return answer.BytesAt(0, 0) != absl::StrCat(PQbackendPID(connection_));
}

absl::Status Connection::Execute(const std::string& sql) {
  if (PQpipelineStatus(connection_) != PQ_PIPELINE_OFF && PQexitPipelineMode(connection_) == 0) {
    return Lost();
  }
  absl::Status status;
  {
    const Rows answer(PQexec(connection_, sql.c_str()));
    status = is_alive() ? absl::OkStatus() : Lost();
    if (status.ok()) status = answer.error();
  }
  if (PQenterPipelineMode(connection_) == 0) return Lost();
  return status;
}

const std::string& Connection::NameOfStatement(std::string_view sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second;
  const std::string text(sql);
  std::string name = absl::StrCat("s", ++statements_count_);
  if (PQsendPrepare(connection_, name.c_str(), text.c_str(), 0, nullptr) == 0) is_broken_ = true;
  queued_.push_back({.preparing = text});
  if (on_statement_ != nullptr) on_statement_(sql);
  return statements_.emplace(text, std::move(name)).first->second;
}

void Connection::Queue(std::string_view sql, const Params& params) {
  const bool needs_settings = is_pooled_ && is_between_transactions();
  const bool is_begin = sql.starts_with("BEGIN");  // whose mode is set before anything is read
  if (needs_settings && !is_begin) Send(transaction_settings_, {}, true);
  Send(sql, params, false);
  if (needs_settings && is_begin) Send(transaction_settings_, {}, true);
}

void Connection::Send(std::string_view sql, const Params& params, bool has_no_reader) {
  if (!is_alive()) {
    is_broken_ = true;
    return;
  }
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (size_t i = 0; i < params.count(); ++i) {
    values.push_back(params.value(i).data());
    lengths.push_back(static_cast<int>(params.value(i).size()));
  }
  const std::vector<int> formats(values.size(), 1);
  const auto count = static_cast<int>(values.size());
  int is_sent = 0;
  if (is_pooled_) {
    std::string text(sql);
    is_sent = PQsendQueryParams(connection_, text.c_str(), count, nullptr, values.data(),
                                lengths.data(), formats.data(), 1);
    if (on_statement_ != nullptr && told_.insert(std::move(text)).second) on_statement_(sql);
  } else {
    is_sent = PQsendQueryPrepared(connection_, NameOfStatement(sql).c_str(), count, values.data(),
                                  lengths.data(), formats.data(), 1);
  }
  if (is_sent == 0) is_broken_ = true;
  queued_.push_back({.preparing = "", .has_no_reader = has_no_reader});
}

absl::Status Connection::Lost() {
  is_broken_ = true;
  queued_.clear();
  return LostStatus(PQerrorMessage(connection_));
}

absl::StatusOr<Rows> Connection::TakeAnswer() {
  PGresult* const first = PQgetResult(connection_);
  if (first == nullptr) return Lost();
  Rows rows(first);
  while (PGresult* const more = PQgetResult(connection_)) {
    PQclear(more);
    if (PQstatus(connection_) != CONNECTION_OK) break;
  }
  CONVOY_RETURN_IF_ERROR(rows.error());
  return rows;
}

void Connection::Push() {
  if (is_alive() && PQflush(connection_) < 0) is_broken_ = true;
}

absl::StatusOr<std::vector<Rows>> Connection::Flush() {
  if (is_broken_ || PQpipelineSync(connection_) == 0) return Lost();
  const std::deque<Queued> all = std::exchange(queued_, {});
  std::vector<Rows> answers;
  absl::Status failure;
  for (const Queued& queued : all) {
    absl::StatusOr<Rows> answer = TakeAnswer();
    if (!answer.ok() && !queued.preparing.empty()) statements_.erase(queued.preparing);
    // The first failure is the cause of those behind it.
    if (!answer.ok() && failure.ok()) failure = answer.status();
    if (PQstatus(connection_) != CONNECTION_OK) {
      is_broken_ = true;
      break;
    }
    const bool has_reader = queued.preparing.empty() && !queued.has_no_reader;
    if (answer.ok() && has_reader) answers.push_back(*std::move(answer));
  }
  if (is_broken_) return failure.ok() ? Lost() : failure;
  const Rows sync(PQgetResult(connection_));
  if (PQstatus(connection_) != CONNECTION_OK || !sync.is_sync()) return Lost();
  if (!failure.ok()) return failure;
  return answers;
}

absl::StatusOr<Rows> Connection::Run(std::string_view sql, const Params& params) {
  Queue(sql, params);
  CONVOY_ASSIGN_OR_RETURN(std::vector<Rows> answers, Flush());
  if (answers.empty()) return Lost();
  return std::move(answers.back());
}

void Connection::RollBack() {
  if (!is_alive()) return;
  if (has_queued()) Flush().IgnoreError();
  if (is_alive()) Run("ROLLBACK").IgnoreError();
}

Connection::Notifications Connection::TakeNotifications() {
  // Twice: the end of a session may stand behind its last message.
  for (int i = 0; i < 2 && !is_broken_; ++i) {
    if (PQconsumeInput(connection_) == 0) is_broken_ = true;
  }
  Notifications come;
  while (PGnotify* const notification = PQnotifies(connection_)) {
    if (*notification->extra == '\0') {
      come.has_config = true;
    } else if (notification->be_pid != PQbackendPID(connection_)) {
      come.has_work = true;
    }
    PQfreemem(notification);
  }
  return come;
}

}  // namespace convoy::storage::postgres

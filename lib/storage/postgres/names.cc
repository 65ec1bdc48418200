// Interning in PostgreSQL; see names.h.
#include "lib/storage/postgres/names.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/postgres/failure.h"

namespace convoy::storage::postgres {
namespace {

// In the order of the ids, so that writers do not wait for each other in a circle.
constexpr std::string_view kFindAndLock =
    "SELECT n.id, n.number FROM unnest($1::bytea[]) AS w(id) JOIN name AS n ON n.id = w.id "
    "FOR KEY SHARE OF n";

}  // namespace

absl::StatusOr<int64_t> FindName(Connection& connection, std::string_view id) {
  if (id.empty()) return kNoName;
  CONVOY_ASSIGN_OR_RETURN(
      const Rows row,
      connection.Run("SELECT number FROM name WHERE id = $1::bytea", Params().Bytes(id)));
  return row.count() > 0 ? row.IntAt(0, 0) : kUnknownName;
}

absl::StatusOr<std::string> NameOf(Connection& connection, int64_t number) {
  if (number == kNoName) return std::string();
  if (const std::string* id = connection.names().FindId(number)) return *id;
  CONVOY_ASSIGN_OR_RETURN(
      const Rows row,
      connection.Run("SELECT id FROM name WHERE number = $1::int8", Params().Int(number)));
  if (row.count() == 0) return absl::DataLossError(absl::StrCat("no id has the number ", number));
  std::string id = row.TextAt(0, 0);
  connection.names().KeepId(number, id);
  return id;
}

void Interning::AddProject(std::string_view id) {
  if (id.empty()) {
    numbers_.emplace(id, kNoName);
  } else if (!unknown_.contains(id)) {
    unknown_.emplace(id);
  }
}

void Interning::Add(std::string_view id) {
  if (id.empty()) {
    numbers_.emplace(id, kNoName);
  } else if (const int64_t* number = connection_.names().FindNumber(id)) {
    numbers_.emplace(id, *number);
  } else {
    unknown_.emplace(id);
  }
}

void Interning::Queue() {
  connection_.Queue(kFindAndLock, Params().Texts({unknown_.begin(), unknown_.end()}));
}

bool Interning::Foresee() {
  for (const std::string& id : unknown_) {
    const int64_t* const number = connection_.names().FindNumber(id);
    if (number == nullptr) return false;
    numbers_.emplace(id, *number);
  }
  return true;
}

bool Interning::IsAsForeseen(const Rows& rows) const {
  for (int i = 0; i < rows.count(); ++i) {
    if (NumberOf(rows.BytesAt(i, 0)) != rows.IntAt(i, 1)) return false;
  }
  return static_cast<size_t>(rows.count()) == unknown_.size();
}

void Interning::Take(const Rows& rows) {
  for (int i = 0; i < rows.count(); ++i) {
    const std::string id = rows.TextAt(i, 0);
    const int64_t number = rows.IntAt(i, 1);
    numbers_[id] = number;
    connection_.names().KeepNumber(id, number);
    unknown_.erase(id);
  }
}

absl::Status Interning::Finish(const Rows& rows) {
  Take(rows);
  if (unknown_.empty()) return absl::OkStatus();
  // Another writer may give one a number at this moment; the one that comes second looks again.
  const std::vector<std::string> ids(unknown_.begin(), unknown_.end());
  connection_.Queue(
      "INSERT INTO name (id) SELECT id FROM unnest($1::bytea[]) AS w(id) "
      "ON CONFLICT (id) DO NOTHING",
      Params().Texts(ids));
  CONVOY_ASSIGN_OR_RETURN(const Rows found, connection_.Run(kFindAndLock, Params().Texts(ids)));
  Take(found);
  if (unknown_.empty()) return absl::OkStatus();
  return PostgresStatus("40001", "a project was removed while its id was interned");
}

absl::Status Interning::Resolve() {
  if (unknown_.empty()) return absl::OkStatus();
  Queue();
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> answers, connection_.Flush());
  return Finish(answers.back());
}

int64_t Interning::NumberOf(std::string_view id) const {
  const auto known = numbers_.find(id);
  return known == numbers_.end() ? kUnknownName : known->second;
}

absl::Status RetireProject(Connection& connection, std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t number, FindName(connection, id));
  if (number <= kNoName) return absl::OkStatus();  // nothing ever flowed in it
  connection.names().ForgetNumbers();
  connection.Queue("INSERT INTO removed_project (number) VALUES ($1::int8)", Params().Int(number));
  return connection.Run("DELETE FROM name WHERE number = $1::int8", Params().Int(number)).status();
}

}  // namespace convoy::storage::postgres

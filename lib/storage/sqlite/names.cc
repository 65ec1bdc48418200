// Interning: look-ups in the table `name`, behind the cache.
#include "lib/storage/sqlite/names.h"

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

absl::StatusOr<int64_t> FindName(Connection& connection, std::string_view id) {
  if (id.empty()) return kNoName;
  if (const int64_t* number = connection.names().FindNumber(id)) return *number;
  Statement row = connection.Prepare("SELECT number FROM name WHERE id = ?");
  const int64_t number = row.Text(id).Next() ? row.IntAt(0) : kUnknownName;
  if (!row.status().ok()) return row.status();
  return number;
}

absl::StatusOr<int64_t> InternName(Connection& connection, std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(int64_t number, FindName(connection, id));
  if (number == kNoName) return number;
  if (number == kUnknownName) {
    Statement row = connection.Prepare("INSERT INTO name (id) VALUES (?) RETURNING number");
    if (row.Text(id).Next()) number = row.IntAt(0);
    while (row.Next()) continue;  // to its end, so that it is done
    if (!row.status().ok()) return row.status();
  }
  connection.names().KeepNumber(id, number);
  return number;
}

absl::StatusOr<std::string> NameOf(Connection& connection, int64_t number) {
  if (number == kNoName) return std::string();
  if (const std::string* id = connection.names().FindId(number)) return *id;
  Statement row = connection.Prepare("SELECT id FROM name WHERE number = ?");
  if (!row.Int(number).Next()) {
    if (!row.status().ok()) return row.status();
    return absl::DataLossError(absl::StrCat("no id has the number ", number));
  }
  std::string id(row.TextAt(0));
  connection.names().KeepId(number, id);
  return id;
}

absl::Status RetireProject(Connection& connection, std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t number, FindName(connection, id));
  if (number <= kNoName) return absl::OkStatus();  // nothing ever flowed in it
  connection.names().ForgetNumbers();
  CONVOY_RETURN_IF_ERROR(
      connection.Prepare("INSERT INTO removed_project VALUES (?)").Int(number).Run());
  return connection.Prepare("DELETE FROM name WHERE number = ?").Int(number).Run();
}

}  // namespace convoy::storage

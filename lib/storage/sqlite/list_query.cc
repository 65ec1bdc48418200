// SQL of lists; see list_query.h.
#include "lib/storage/sqlite/list_query.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/time_text.h"

namespace convoy::storage {
namespace {

std::string Marks(size_t count) {
  std::string marks;
  for (size_t i = 0; i < count; ++i) marks += i == 0 ? "?" : ", ?";
  return marks;
}

}  // namespace

ListQuery::ListQuery(std::string_view table, std::string_view columns, std::string_view project_id)
    : table_(table), columns_(columns), conditions_("project_id = ?") {
  values_.emplace_back(std::string(project_id));
}

void ListQuery::Equals(std::string_view column, const std::string& value) {
  if (!value.empty()) Where(absl::StrCat(column, " = ?"), {value});
}

void ListQuery::EqualsNumber(std::string_view column, int64_t value) {
  absl::StrAppend(&conditions_, " AND ", column, " = ?");
  values_.emplace_back(value);
}

void ListQuery::Contains(std::string_view column, const std::string& part) {
  if (part.empty()) return;
  const std::string escaped =
      absl::StrReplaceAll(part, {{"\\", "\\\\"}, {"%", "\\%"}, {"_", "\\_"}});
  Where(absl::StrCat(column, " LIKE ? ESCAPE '\\'"), {absl::StrCat("%", escaped, "%")});
}

void ListQuery::AnyOf(std::string_view column, const std::vector<std::string>& values) {
  if (!values.empty()) Where(absl::StrCat(column, " IN (", Marks(values.size()), ")"), values);
}

void ListQuery::AnyOfNumbers(std::string_view column, const std::vector<int64_t>& values) {
  if (values.empty()) return;
  absl::StrAppend(&conditions_, " AND ", column, " IN (", Marks(values.size()), ")");
  values_.insert(values_.end(), values.begin(), values.end());
}

void ListQuery::Between(std::string_view column, absl::Time from, absl::Time until) {
  if (from == absl::InfinitePast() && until == absl::InfiniteFuture()) return;
  absl::StrAppend(&conditions_, " AND ", column, " BETWEEN ? AND ?");
  values_.emplace_back(base::ToMicros(from));
  values_.emplace_back(base::ToMicros(until));
}

void ListQuery::After(std::string_view column, absl::Time time) {
  absl::StrAppend(&conditions_, " AND ", column, " > ?");
  values_.emplace_back(base::ToMicros(time));
}

void ListQuery::Where(std::string condition, const std::vector<std::string>& values) {
  absl::StrAppend(&conditions_, " AND ", condition);
  values_.insert(values_.end(), values.begin(), values.end());
}

absl::StatusOr<uint64_t> ListQuery::Count(Connection& connection) const {
  const std::string sql = absl::StrCat("SELECT count(*) FROM ", table_, " WHERE ", conditions_);
  Statement row = connection.Prepare(sql);
  Bind(row, "", /*has_cursor=*/false);
  const uint64_t count = row.Next() ? static_cast<uint64_t>(row.IntAt(0)) : 0;
  if (!row.status().ok()) return row.status();
  return count;
}

std::string ListQuery::Select(std::string_view columns, bool has_cursor, bool is_from_cursor,
                              bool is_ascending, uint32_t limit) const {
  std::string sql = absl::StrCat("SELECT ", columns, " FROM ", table_, " WHERE ", conditions_);
  if (has_cursor) {
    absl::StrAppend(&sql, " AND id ", is_ascending ? ">" : "<", is_from_cursor ? "= ?" : " ?");
  }
  absl::StrAppend(&sql, " ORDER BY id ", is_ascending ? "ASC" : "DESC", " LIMIT ", limit);
  return sql;
}

void ListQuery::Bind(Statement& statement, std::string_view cursor, bool has_cursor) const {
  for (const auto& value : values_) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      statement.Text(*text);
    } else {
      statement.Int(std::get<int64_t>(value));
    }
  }
  if (has_cursor) statement.Text(cursor);
}

absl::StatusOr<std::string> ListQuery::FindNeighbour(Connection& connection,
                                                     std::string_view cursor, bool is_from_cursor,
                                                     bool is_ascending) const {
  const std::string sql = Select("id", true, is_from_cursor, is_ascending, 1);
  Statement row = connection.Prepare(sql);
  Bind(row, cursor, true);
  std::string id = row.Next() ? std::string(row.TextAt(0)) : std::string();
  if (!row.status().ok()) return row.status();
  return id;
}

}  // namespace convoy::storage

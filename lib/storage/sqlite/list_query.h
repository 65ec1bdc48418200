// Lists with conditions and pages. A query is built from fixed pieces of SQL; what a client gave is
// only ever bound.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

class ListQuery {
 public:
  // `columns` must begin with the id. Selects the rows of one project.
  ListQuery(std::string_view table, std::string_view columns, std::string_view project_id);

  // Conditions that are left out when there is nothing to compare with.
  void Equals(std::string_view column, const std::string& value);
  void EqualsNumber(std::string_view column, int64_t value);
  void Contains(std::string_view column, const std::string& part);  // without case
  void AnyOf(std::string_view column, const std::vector<std::string>& values);
  void AnyOfNumbers(std::string_view column, const std::vector<int64_t>& values);
  void Between(std::string_view column, absl::Time from, absl::Time until);
  void After(std::string_view column, absl::Time time);
  // A condition with one '?' for each value.
  void Where(std::string condition, const std::vector<std::string>& values);

  // `read` turns a row into a StatusOr<T>.
  template <typename T, typename Read>
  absl::StatusOr<Page<T>> Run(Connection& connection, const PageRequest& page, Read read) const;
  // Of all pages.
  absl::StatusOr<uint64_t> Count(Connection& connection) const;

 private:
  // The rows on one side of `cursor` (all, if it is empty), nearest first.
  std::string Select(std::string_view columns, bool has_cursor, bool is_from_cursor,
                     bool is_ascending, uint32_t limit) const;
  void Bind(Statement& statement, std::string_view cursor, bool has_cursor) const;
  // The first id on that side, or empty.
  absl::StatusOr<std::string> FindNeighbour(Connection& connection, std::string_view cursor,
                                            bool is_from_cursor, bool is_ascending) const;

  const std::string table_;
  const std::string columns_;
  std::string conditions_;
  std::vector<std::variant<std::string, int64_t>> values_;
};

template <typename T, typename Read>
absl::StatusOr<Page<T>> ListQuery::Run(Connection& connection, const PageRequest& request,
                                       Read read) const {
  const bool has_cursor = !request.cursor.empty();
  const bool is_backward = request.is_backward && has_cursor;
  const bool walks_up = request.is_ascending != is_backward;
  Page<T> page;
  bool has_more = false;
  std::string beyond;  // id of the row after the last one that fits
  {
    const std::string sql = Select(columns_, has_cursor, /*is_from_cursor=*/!is_backward, walks_up,
                                   request.items_max + 1);
    Statement row = connection.Prepare(sql);
    Bind(row, request.cursor, has_cursor);
    while (row.Next()) {
      if (page.items.size() == request.items_max) {
        has_more = true;
        beyond = row.TextAt(0);
        break;
      }
      absl::StatusOr<T> item = read(row);
      if (!item.ok()) return item.status();
      page.items.push_back(*std::move(item));
    }
    if (!row.status().ok()) return row.status();
  }
  if (is_backward) {
    std::reverse(page.items.begin(), page.items.end());
    page.has_prev = has_more;
    auto next = FindNeighbour(connection, request.cursor, true, request.is_ascending);
    if (!next.ok()) return next.status();
    page.next_cursor = *std::move(next);
    page.has_next = !page.next_cursor.empty();
  } else {
    page.has_next = has_more;
    page.next_cursor = std::move(beyond);
    const std::string anchor = page.items.empty() ? request.cursor : page.items.front().id;
    if (!anchor.empty()) {
      auto prev = FindNeighbour(connection, anchor, false, !request.is_ascending);
      if (!prev.ok()) return prev.status();
      page.has_prev = !prev->empty();
    }
  }
  if (!page.items.empty()) page.prev_cursor = page.items.front().id;
  return page;
}

}  // namespace convoy::storage

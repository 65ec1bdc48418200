// Tables that a copy of a store consists of, in the form that both kinds of stores have in common.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace convoy::storage::copy {

enum class ColumnType : uint8_t { kInt, kText, kBlob };  // the last two are bytea in PostgreSQL

struct Column {
  std::string_view name;
  ColumnType type = ColumnType::kInt;
};

struct Table {
  std::string_view name;
  std::vector<Column> columns;
  // The first ones: unique, and rows are read in their order.
  size_t keys_count = 1;
};

// Values of a row, column by column.
using Value = std::variant<int64_t, std::string>;
using Record = std::vector<Value>;

// In the order in which they are copied.
std::span<const Table> Tables();

// Tables of a store that are not copied: what they hold is of the store itself, or counted
// there.
std::span<const std::string_view> UncopiedTables();

// The table in which a store that a copy goes into names its origin, until the copy is finished.
inline constexpr std::string_view kMarkTable = "unfinished_copy";

// How much of a table is read or written at once, and what of it.
inline constexpr int64_t kPageRowsMax = 2'000;
inline constexpr int64_t kPageBytesMax = 8 * 1024 * 1024;

// The columns, and those of the key, separated by commas.
std::string ColumnsOf(const Table& table);
std::string KeysOf(const Table& table);

uint64_t SizeOf(const Record& record);

}  // namespace convoy::storage::copy

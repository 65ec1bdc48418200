// Parameters of statements and rows of answers in PostgreSQL's binary form: numbers of eight bytes,
// bytes as they are, and arrays of them, with which one statement takes many rows.
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"

namespace convoy::storage::postgres {

// Values of one column.
class Array {
 public:
  void Add(int64_t value);
  void Add(std::string_view value);
  int32_t count() const { return count_; }
  // As int8[] or bytea[], by what was added; without any, of numbers. Valid until more is added.
  std::string_view encoded() const;

 private:
  void Count(uint32_t type);

  int32_t count_ = 0;
  std::string bytes_;  // empty without elements
};

using Cell = std::variant<int64_t, std::string_view>;

// Rows for one statement, column by column.
class Columns {
 public:
  void AddRow(std::span<const Cell> cells);
  void AddRow(std::initializer_list<Cell> cells) {
    AddRow(std::span<const Cell>(cells.begin(), cells.size()));
  }
  int32_t rows_count() const { return columns_.empty() ? 0 : columns_[0].count(); }
  const std::vector<Array>& columns() const { return columns_; }

 private:
  std::vector<Array> columns_;
};

// Rows for as many statements as their sizes ask for: PostgreSQL takes no message of 1 GiB, and
// both sides hold what belongs to one in memory several times.
class RowPieces {
 public:
  static constexpr size_t kBytesMax = 16 * 1024 * 1024;  // of a piece, beyond its first row

  void AddRow(std::initializer_list<Cell> cells);
  const std::vector<Columns>& pieces() const { return pieces_; }

 private:
  std::vector<Columns> pieces_;
  size_t bytes_ = 0;  // of the last piece
};

// The parameters $1, $2, … of a statement. Every one has a cast to its type in the SQL: int8,
// bytea, int8[] or bytea[]. Columns that are added must outlive it.
class Params {
 public:
  Params& Int(int64_t value);
  Params& Bytes(std::string_view value);
  Params& Ints(const std::vector<int64_t>& values);
  Params& Texts(const std::vector<std::string>& values);
  Params& Column(const Array& column);
  Params& All(const Columns& columns);  // one parameter for each column

  size_t count() const { return values_.size(); }
  // Not null, even if it is empty.
  std::string_view value(size_t index) const;

 private:
  struct Value {
    std::string own;
    const Array* column = nullptr;  // in place of `own`
  };
  std::vector<Value> values_;
};

// The answer to a statement.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result, &PQclear) {}

  // OK unless the statement failed.
  absl::Status error() const;
  bool is_sync() const { return PQresultStatus(result_.get()) == PGRES_PIPELINE_SYNC; }

  int count() const { return PQntuples(result_.get()); }
  // Rows that a statement without an answer has changed.
  int64_t changes_count() const;
  int64_t IntAt(int row, int column) const;  // of any integer type, or a boolean
  std::string_view BytesAt(int row, int column) const;
  std::string TextAt(int row, int column) const { return std::string(BytesAt(row, column)); }
  bool IsNullAt(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

 private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

// One row of an answer, as rows.h reads it.
class Row {
 public:
  // Its columns are those from `first_column` on.
  Row(const Rows* rows, int row, int first_column = 0)
      : rows_(*rows), row_(row), first_column_(first_column) {}
  int64_t IntAt(int column) const { return rows_.IntAt(row_, first_column_ + column); }
  std::string_view TextAt(int column) const { return rows_.BytesAt(row_, first_column_ + column); }

 private:
  const Rows& rows_;
  const int row_;
  const int first_column_;
};

}  // namespace convoy::storage::postgres

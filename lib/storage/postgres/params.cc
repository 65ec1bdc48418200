// Binary forms; see params.h. Numbers are in network byte order.
#include "lib/storage/postgres/params.h"

#include "absl/strings/numbers.h"

#include "lib/storage/postgres/failure.h"

namespace convoy::storage::postgres {
namespace {

// Types by their permanent numbers (pg_type.dat).
constexpr uint32_t kInt8Oid = 20;
constexpr uint32_t kByteaOid = 17;

template <typename T>
void Store(char* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    to[i] = static_cast<char>(value >> 8 * (sizeof(T) - 1 - i));
  }
}

template <typename T>
void Append(std::string& bytes, T value) {
  char stored[sizeof(T)];
  Store(stored, value);
  bytes.append(stored, sizeof(T));
}

// Header of an array: dimensions, nulls, type, and of each dimension the number of elements and the
// first index.
constexpr size_t kCountAt = 12;

std::string EmptyArray(uint32_t type) {
  std::string bytes;
  for (const uint32_t field : {0U, 0U, type}) Append(bytes, field);
  return bytes;
}

}  // namespace

void Array::Count(uint32_t type) {
  if (count_++ == 0) {
    for (const uint32_t field : {1U, 0U, type, 0U, 1U}) Append(bytes_, field);
  }
  Store(&bytes_[kCountAt], static_cast<uint32_t>(count_));
}

void Array::Add(int64_t value) {
  Count(kInt8Oid);
  char element[sizeof(uint32_t) + sizeof(value)];
  Store<uint32_t>(element, sizeof(value));
  Store(element + sizeof(uint32_t), static_cast<uint64_t>(value));
  bytes_.append(element, sizeof(element));
}

void Array::Add(std::string_view value) {
  Count(kByteaOid);
  Append(bytes_, static_cast<uint32_t>(value.size()));
  bytes_.append(value);
}

std::string_view Array::encoded() const {
  static const std::string* const kEmpty = new std::string(EmptyArray(kInt8Oid));
  return count_ == 0 ? *kEmpty : bytes_;
}

void Columns::AddRow(std::span<const Cell> cells) {
  columns_.resize(cells.size());
  size_t column = 0;
  for (const Cell& cell : cells) {
    std::visit([&](auto value) { columns_[column].Add(value); }, cell);
    ++column;
  }
}

void RowPieces::AddRow(std::initializer_list<Cell> cells) {
  size_t bytes = 0;
  for (const Cell& cell : cells) {
    const auto* text = std::get_if<std::string_view>(&cell);
    bytes += sizeof(uint32_t) + (text == nullptr ? sizeof(int64_t) : text->size());
  }
  if (pieces_.empty() || bytes_ + bytes > kBytesMax) {
    pieces_.emplace_back();
    bytes_ = 0;
  }
  pieces_.back().AddRow(cells);
  bytes_ += bytes;
}

Params& Params::Int(int64_t value) {
  Append(values_.emplace_back().own, static_cast<uint64_t>(value));
  return *this;
}

Params& Params::Bytes(std::string_view value) {
  values_.push_back({.own = std::string(value)});
  return *this;
}

Params& Params::Ints(const std::vector<int64_t>& values) {
  Array array;
  for (const int64_t value : values) array.Add(value);
  values_.push_back({.own = std::string(array.encoded())});
  return *this;
}

Params& Params::Texts(const std::vector<std::string>& values) {
  Array array;
  for (const std::string& value : values) array.Add(std::string_view(value));
  values_.push_back({.own = values.empty() ? EmptyArray(kByteaOid) : std::string(array.encoded())});
  return *this;
}

Params& Params::Column(const Array& column) {
  values_.push_back({.own = "", .column = &column});
  return *this;
}

Params& Params::All(const Columns& columns) {
  for (const Array& column : columns.columns()) Column(column);
  return *this;
}

std::string_view Params::value(size_t index) const {
  const Value& value = values_[index];
  return value.column == nullptr ? std::string_view(value.own) : value.column->encoded();
}

absl::Status Rows::error() const {
  const PGresult* const result = result_.get();
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return absl::OkStatus();
  if (status == PGRES_PIPELINE_ABORTED) return absl::InternalError("PostgreSQL: not executed");
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr) return LostStatus(PQresultErrorMessage(result));
  // No detail: that may hold what is stored.
  const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* const constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
  return PostgresStatus(state, message == nullptr ? "" : message,
                        constraint == nullptr ? "" : constraint);
}

int64_t Rows::changes_count() const {
  int64_t count = 0;
  return absl::SimpleAtoi(PQcmdTuples(result_.get()), &count) ? count : 0;
}

int64_t Rows::IntAt(int row, int column) const {
  const std::string_view bytes = BytesAt(row, column);
  if (bytes.empty()) return 0;
  // The sign is that of the first byte; of a boolean it is never set.
  uint64_t value = static_cast<signed char>(bytes[0]) < 0 ? ~uint64_t{0} : 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return static_cast<int64_t>(value);
}

std::string_view Rows::BytesAt(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

}  // namespace convoy::storage::postgres

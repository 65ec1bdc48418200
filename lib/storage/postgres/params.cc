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
void Append(std::string& bytes, T value) {
  for (int shift = (sizeof(T) - 1) * 8; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift));
  }
}

}  // namespace

void Array::Add(int64_t value) {
  Append<uint32_t>(elements_, sizeof(value));
  Append<uint64_t>(elements_, static_cast<uint64_t>(value));
  ++count_;
}

void Array::Add(std::string_view value) {
  is_bytes_ = true;
  Append<uint32_t>(elements_, static_cast<uint32_t>(value.size()));
  elements_.append(value);
  ++count_;
}

std::string Array::Encode(bool is_bytes) const {
  std::string bytes;
  bytes.reserve(elements_.size() + 20);
  Append<uint32_t>(bytes, count_ == 0 ? 0 : 1);  // dimensions
  Append<uint32_t>(bytes, 0);                    // no nulls
  Append<uint32_t>(bytes, is_bytes || is_bytes_ ? kByteaOid : kInt8Oid);
  if (count_ == 0) return bytes;
  Append<uint32_t>(bytes, static_cast<uint32_t>(count_));
  Append<uint32_t>(bytes, 1);  // the first index
  bytes.append(elements_);
  return bytes;
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
  Append<uint64_t>(values_.emplace_back(), static_cast<uint64_t>(value));
  return *this;
}

Params& Params::Bytes(std::string_view value) {
  values_.emplace_back(value);
  return *this;
}

Params& Params::Ints(const std::vector<int64_t>& values) {
  Array array;
  for (const int64_t value : values) array.Add(value);
  values_.push_back(array.Encode());
  return *this;
}

Params& Params::Texts(const std::vector<std::string>& values) {
  Array array;
  for (const std::string& value : values) array.Add(std::string_view(value));
  values_.push_back(array.Encode(/*is_bytes=*/true));
  return *this;
}

Params& Params::All(const Columns& columns) {
  for (const Array& column : columns.columns()) values_.push_back(column.Encode());
  return *this;
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

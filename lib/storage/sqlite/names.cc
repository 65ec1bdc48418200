// Interning: look-ups in the table `name`, and the cache before it.
#include "lib/storage/sqlite/names.h"

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {
namespace {

// Beyond it a cache begins anew: about 10 MB, and more objects than are in use at one time.
constexpr size_t kCachedNamesMax = 100'000;

}  // namespace

const int64_t* NameCache::FindNumber(std::string_view id) const {
  const auto known = numbers_.find(id);
  return known == numbers_.end() ? nullptr : &known->second;
}

const std::string* NameCache::FindId(int64_t number) const {
  const auto known = ids_.find(number);
  return known == ids_.end() ? nullptr : &known->second;
}

void NameCache::KeepNumber(std::string_view id, int64_t number) {
  if (numbers_.size() >= kCachedNamesMax) numbers_.clear();
  numbers_.insert_or_assign(std::string(id), number);
}

void NameCache::KeepId(int64_t number, std::string_view id) {
  if (ids_.size() >= kCachedNamesMax) ids_.clear();
  ids_.insert_or_assign(number, std::string(id));
}

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

std::string EncodeNumbers(const std::vector<int64_t>& numbers) {
  std::string bytes;
  for (const int64_t number : numbers) {
    auto rest = static_cast<uint64_t>(number);
    for (; rest >= 0x80; rest >>= 7) bytes.push_back(static_cast<char>(rest | 0x80));
    bytes.push_back(static_cast<char>(rest));
  }
  return bytes;
}

absl::StatusOr<std::vector<int64_t>> DecodeNumbers(std::string_view bytes) {
  std::vector<int64_t> numbers;
  uint64_t number = 0;
  int shift = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (shift > 56) return absl::DataLossError("a list of numbers is damaged");
    number |= static_cast<uint64_t>(byte & 0x7F) << shift;
    shift += 7;
    if (byte >= 0x80) continue;
    numbers.push_back(static_cast<int64_t>(number));
    number = 0;
    shift = 0;
  }
  if (shift != 0) return absl::DataLossError("a list of numbers is damaged");
  return numbers;
}

}  // namespace convoy::storage

// Tables of functions of the host (convoy_parts.h): reading them, owning them, calling them.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "capi/callback.h"
#include "capi/convoy_parts.h"
#include "convoy/http.h"

namespace convoy::capi {

// Whether a table or struct can be read: kInvalidArgument if it is missing or its size is none,
// kUnimplemented if it has members that this version does not know.
absl::Status CheckTable(const void* given, std::string_view name, size_t size_known);

// One that passed CheckTable, with what it does not have zeroed.
template <typename Table>
Table CopyTable(const Table& given) {
  Table copy = {};
  std::memcpy(&copy, &given, std::min(given.struct_size, sizeof(Table)));
  return copy;
}

// kInvalidArgument names the function that is missing.
absl::Status CheckComplete(const convoy_clock& clock);
absl::Status CheckComplete(const convoy_transport& transport);
absl::Status CheckComplete(const convoy_storage& storage);
absl::Status CheckComplete(const convoy_broker& broker);
absl::Status CheckComplete(const convoy_consumer& consumer);

// A table together with what is behind it, which is destroyed with this.
template <typename Table>
class Part {
 public:
  explicit Part(const Table& table) : table_(table) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    if (table_.destroy != nullptr) table_.destroy(table_.self);
  }

  const Table& operator*() const { return table_; }
  const Table* operator->() const { return &table_; }

 private:
  const Table table_;
};

// Told, in one line, that a part does not do what its table promises.
using ReportDefect = std::function<void(std::string_view)>;

// Calls a function of the host for `engine`, which may be null: false if it threw an exception.
template <typename Call>
bool CallPart(const Engine* engine, Call call) noexcept {
  try {
    const CallbackScope scope(engine);
    call();
    return true;
  } catch (...) {
    return false;
  }
}

// Room for the message of a failure, and the status that it makes with a code.
class FailureRoom {
 public:
  FailureRoom() = default;
  FailureRoom(const FailureRoom&) = delete;
  FailureRoom& operator=(const FailureRoom&) = delete;

  convoy_failure* get() { return &failure_; }
  absl::Status StatusOf(convoy_status code) const;

 private:
  static constexpr size_t kBytes = 1024;

  char text_[kBytes] = {};
  convoy_failure failure_ = {sizeof(convoy_failure), text_, kBytes};
};

// The other way round: the code for a status, whose message is written where there is room.
convoy_status Report(const absl::Status& status, convoy_failure* failure) noexcept;

// Headers as C sees them, borrowed.
std::vector<convoy_header> BorrowHeaders(const Headers& headers);
// A copy of borrowed ones; entries without a text are empty.
Headers CopyHeaders(const convoy_header* headers, size_t count);
std::vector<convoy_slice> BorrowTexts(const std::vector<std::string>& texts);

inline convoy_slice SliceOf(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view TextOf(const convoy_slice& slice) {
  return slice.data == nullptr ? std::string_view() : std::string_view(slice.data, slice.size);
}

}  // namespace convoy::capi

// Calls of the host's table. An exception of a row's taker does not cross it.
#include "capi/parts/c_storage.h"

#include <vector>

namespace convoy::capi {
namespace {

struct RowSink {
  const OrderedTable::Emit* emit;
  bool has_thrown = false;
};

void TakeRow(void* sink_, const convoy_slice* key, const convoy_slice* value) noexcept {
  auto& sink = *static_cast<RowSink*>(sink_);
  try {
    if (!sink.has_thrown) (*sink.emit)(TextOf(*key), TextOf(*value));
  } catch (...) {
    sink.has_thrown = true;
  }
}

template <typename Function>
absl::Status Call(const Engine* engine, Function function) {
  FailureRoom room;
  convoy_status code = CONVOY_E_INTERNAL;
  if (!CallPart(engine, [&] { code = function(room.get()); })) {
    return absl::InternalError("a function threw an exception");
  }
  return room.StatusOf(code);
}

}  // namespace

absl::Status CStorage::Scan(std::string_view from, std::string_view until, uint64_t rows_max,
                            const Emit& emit) {
  RowSink sink{.emit = &emit};
  const convoy_slice first = SliceOf(from), end = SliceOf(until);
  const absl::Status scanned = Call(engine_, [&](convoy_failure* failure) {
    return table_.scan(table_.self, &first, &end, rows_max, &TakeRow, &sink, failure);
  });
  return sink.has_thrown ? absl::ResourceExhaustedError("out of memory") : scanned;
}

absl::Status CStorage::Write(std::span<const TableChange> changes) {
  std::vector<convoy_change> given;
  given.reserve(changes.size());
  for (const TableChange& change : changes) {
    given.push_back({.key = SliceOf(change.key),
                     .value = SliceOf(change.value),
                     .is_removal = change.is_removal,
                     .reserved = 0});
  }
  return Call(engine_, [&](convoy_failure* failure) {
    return table_.write(table_.self, given.data(), given.size(), failure);
  });
}

absl::Status CStorage::Sync() {
  if (table_.sync == nullptr) return absl::OkStatus();
  return Call(engine_, [&](convoy_failure* failure) { return table_.sync(table_.self, failure); });
}

}  // namespace convoy::capi

// A table of what flows, in memory: in the order of age, i.e. of the keys that ids give
// (convoy/ulid.h), where an id whose key is taken gets the next one that is free.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "convoy/ulid.h"
#include "lib/storage/memory/watched_map.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

template <typename T>
class AgeTable {
 public:
  struct Row {
    std::string id;
    T value;
  };
  using Map = WatchedMap<int64_t, Row>;  // by key
  using Rows = typename Map::Rows;

  // Replaces what the id stood for before. nullptr if it is no id, or if no key is left for it.
  T* Put(std::string id, T value) {
    if (T* known = Change(id)) {
      *known = std::move(value);
      return known;
    }
    const std::optional<UlidParts> parts = SplitUlid(id);
    if (!parts.has_value()) return nullptr;
    for (int shift = 0; shift < kKeyShiftsMax; ++shift) {
      if (map_.Find(parts->key + shift) != nullptr) continue;
      Row& row = map_.Change(parts->key + shift);
      row = {std::move(id), std::move(value)};
      return &row.value;
    }
    return nullptr;
  }

  const T* Find(std::string_view id) const {
    const auto row = Locate(id);
    return row == rows().end() ? nullptr : &row->second.value;
  }
  // To be changed now; nullptr if it is not there.
  T* Change(std::string_view id) {
    const auto row = Locate(id);
    return row == rows().end() ? nullptr : &map_.Change(row->first).value;
  }

  void Erase(std::string_view id) {
    if (const auto row = Locate(id); row != rows().end()) map_.Erase(row);
  }

  // A cursor that stands on the row.
  static std::string PositionOf(const typename Rows::value_type& row) {
    return JoinUlid({.key = row.first, .tail = SplitUlid(row.second.id)->tail});
  }

  const Rows& rows() const { return map_.rows(); }
  const Map& map() const { return map_; }
  Map& map() { return map_; }

 private:
  typename Rows::const_iterator Locate(std::string_view id) const {
    const std::optional<UlidParts> parts = SplitUlid(id);
    if (!parts.has_value()) return rows().end();
    auto row = rows().lower_bound(parts->key);
    while (row != rows().end() && row->first < parts->key + kKeyShiftsMax) {
      if (row->second.id == id) return row;
      ++row;
    }
    return rows().end();
  }

  Map map_;
};

}  // namespace convoy::storage

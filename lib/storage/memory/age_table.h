// A table of what flows, in memory: in the order of age, i.e. of the keys that ids give
// (convoy/ulid.h), where an id whose key is taken gets the next one that is free.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "convoy/ulid.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

template <typename T>
class AgeTable {
 public:
  struct Row {
    std::string id;
    T value;
  };
  using Rows = std::map<int64_t, Row>;  // by key

  // Replaces what the id stood for before. nullptr if it is no id, or if no key is left for it.
  T* Put(std::string id, T value) {
    if (T* known = Find(id)) {
      *known = std::move(value);
      return known;
    }
    const std::optional<UlidParts> parts = SplitUlid(id);
    if (!parts.has_value()) return nullptr;
    for (int shift = 0; shift < kKeyShiftsMax; ++shift) {
      const auto [row, is_new] = rows_.try_emplace(parts->key + shift);
      if (!is_new) continue;
      row->second = {std::move(id), std::move(value)};
      return &row->second.value;
    }
    return nullptr;
  }

  const T* Find(std::string_view id) const {
    const auto row = Locate(id);
    return row == rows_.end() ? nullptr : &row->second.value;
  }
  T* Find(std::string_view id) { return const_cast<T*>(std::as_const(*this).Find(id)); }

  void Erase(std::string_view id) {
    if (const auto row = Locate(id); row != rows_.end()) rows_.erase(row);
  }

  // A cursor that stands on the row.
  static std::string PositionOf(const typename Rows::value_type& row) {
    return JoinUlid({.key = row.first, .tail = SplitUlid(row.second.id)->tail});
  }

  const Rows& rows() const { return rows_; }
  Rows& rows() { return rows_; }

 private:
  typename Rows::const_iterator Locate(std::string_view id) const {
    const std::optional<UlidParts> parts = SplitUlid(id);
    if (!parts.has_value()) return rows_.end();
    auto row = rows_.lower_bound(parts->key);
    while (row != rows_.end() && row->first < parts->key + kKeyShiftsMax) {
      if (row->second.id == id) return row;
      ++row;
    }
    return rows_.end();
  }

  Rows rows_;
};

}  // namespace convoy::storage

// A map that can take changes back: it notes what each changed row was before, until the changes
// are settled or undone.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace convoy::storage {

// Not safe for several threads at once. Until Watch is called nothing is noted.
template <typename Key, typename T>
class WatchedMap {
 public:
  using Rows = std::map<Key, T, std::less<>>;
  using Former = std::map<Key, std::optional<T>>;  // nullopt: the row was not there

  const Rows& rows() const { return rows_; }

  template <typename AnyKey>
  const T* Find(const AnyKey& key) const {
    const auto row = rows_.find(key);
    return row == rows_.end() ? nullptr : &row->second;
  }

  // The row, made if it is not there, to be changed now.
  T& Change(const Key& key) {
    const auto [row, is_new] = rows_.try_emplace(key);
    if (is_marked_) marks_.insert(key);
    if (is_watched_) Note(key, is_new ? nullptr : &row->second);
    return row->second;
  }

  typename Rows::const_iterator Erase(typename Rows::const_iterator row) {
    if (is_watched_) Note(row->first, &row->second);
    return rows_.erase(row);
  }
  void EraseKey(const Key& key) {
    if (const auto row = rows_.find(key); row != rows_.end()) Erase(row);
  }
  template <typename IsGone>
  void EraseIf(const IsGone& is_gone) {
    for (auto row = rows_.cbegin(); row != rows_.cend();) {
      row = is_gone(*row) ? Erase(row) : std::next(row);
    }
  }

  // From now on the keys of rows that are changed are marked.
  void Mark() { is_marked_ = true; }
  // Calls `use` with each row that is marked, in their order. Where it returns false the mark goes.
  template <typename Use>
  void ForEachMarked(const Use& use) {
    for (auto mark = marks_.begin(); mark != marks_.end();) {
      const auto row = rows_.find(*mark);
      mark = row != rows_.end() && use(*row) ? std::next(mark) : marks_.erase(mark);
    }
  }

  void Watch() { is_watched_ = true; }
  // The rows that were changed since the last Settle or Undo, as they were before; some of them may
  // be so still.
  const Former& former() const { return former_; }
  void Settle() { former_.clear(); }
  void Undo() {
    for (auto& [key, row] : former_) {
      if (row.has_value()) {
        rows_.insert_or_assign(key, *std::move(row));
        if (is_marked_) marks_.insert(key);
      } else {
        rows_.erase(key);
      }
    }
    former_.clear();
  }

 private:
  void Note(const Key& key, const T* row) {
    if (former_.contains(key)) return;
    former_.emplace(key, row == nullptr ? std::nullopt : std::optional<T>(*row));
  }

  Rows rows_;
  bool is_marked_ = false;
  std::set<Key> marks_;
  bool is_watched_ = false;
  Former former_;
};

}  // namespace convoy::storage

// Cache of the numbers of ids, which begins anew when it is full.
#include "lib/storage/name_cache.h"

#include <cstddef>

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

}  // namespace convoy::storage

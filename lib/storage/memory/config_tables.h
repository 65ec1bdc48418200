// The configuration of the store in memory: objects by id, what must be unique among them, and
// batches of changes that happen whole or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "convoy/storage.h"

namespace convoy::storage {

template <typename T>
using ById = std::map<std::string, T, std::less<>>;

// Not safe for several threads at once.
class ConfigTables {
 public:
  // Applies `writes` in order. On a refusal everything is as it was before.
  absl::Status Apply(const std::vector<ConfigWrite>& writes);

  uint64_t RevisionOf(std::string_view scope) const;
  const Source* FindSourceByMask(std::string_view mask_id) const;
  const ApiKey* FindApiKeyByMask(std::string_view mask_id) const;

  template <typename T>
  const ById<T>& All() const {
    return std::get<ById<T>>(tables_);
  }

 private:
  // What nobody else may have: (kind of object, its name or mask) -> id.
  using UniqueKey = std::pair<ConfigKind, std::string>;

  absl::Status ApplyOne(const ConfigWrite& write);
  // Makes `next` the object of this id, or removes it, and remembers how to undo that.
  template <typename T>
  absl::Status Change(const std::string& id, std::optional<T> next);
  template <typename T, typename Wanted>
  void RemoveIf(Wanted wanted);
  void Remove(const ConfigRef& ref);
  void Raise(const std::string& scope);

  std::tuple<ById<Project>, ById<Source>, ById<Endpoint>, ById<Subscription>, ById<ApiKey>> tables_;
  std::map<UniqueKey, std::string> owners_;
  ById<uint64_t> revisions_;
  std::vector<std::function<void()>> undo_;  // of the batch that is being applied
};

}  // namespace convoy::storage

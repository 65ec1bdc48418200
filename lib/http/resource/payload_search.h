// Search in the payloads of events. No index helps it, so a request looks at a bounded number of
// events and bytes; its page ends there, and says where to go on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/json/document.h"

namespace convoy::http {

// JSON objects that a payload is to contain, all of them. An object contains another one if it has
// each of its fields with a value that contains the other's; a list, if each element of the other
// is contained in one of its own; any other value, if it is equal.
class PayloadSearch {
 public:
  // Adds an object; `field` is the query parameter that it comes from, for errors.
  absl::Status Add(std::string_view field, std::string_view text);

  bool is_empty() const { return wanted_.empty(); }

  // False also for what is not JSON and no form. `steps` grows by what the comparison costs.
  bool Matches(const Event& event, uint64_t* steps) const;

 private:
  std::vector<json::Document> wanted_;
  size_t values_count_ = 0;
};

// A page of the events that `list` lists and the search finds, each as `write` writes it.
absl::StatusOr<Page<std::string>> SearchPage(
    const PayloadSearch& search, PageRequest request,
    const std::function<absl::StatusOr<Page<Event>>(const PageRequest&)>& list,
    const std::function<std::string(const Event&)>& write);

}  // namespace convoy::http

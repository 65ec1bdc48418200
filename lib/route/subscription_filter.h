// The filters of a subscription: its own, and those for single event types.
//
// The filter for a type is the enabled one with the most particular pattern that the type matches:
// the type itself, then the longest prefix, then "*". If all such filters are disabled, events of
// the type are not wanted. Where there is none, the subscription's own filter decides.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "lib/route/content.h"

namespace convoy::route {

// The filter that decides about events of the type; null if none of them is wanted.
const ContentFilter* ChooseFilter(const Subscription& subscription, std::string_view event_type);

// All of them, compiled. Immutable.
class SubscriptionFilter {
 public:
  // kInvalidArgument if one does not compile.
  static absl::StatusOr<SubscriptionFilter> Compile(const Subscription& subscription);

  bool Matches(std::string_view event_type, EventDocuments& documents) const;

 private:
  using Program = std::unique_ptr<const ContentProgram>;  // null: anything
  struct OfType {
    bool is_prefix = false;
    std::string text;  // of the pattern
    bool is_enabled = false;
    Program program;
  };

  Program own_;
  std::vector<OfType> of_types_;  // the most particular first; empty if all are as the own one
};

}  // namespace convoy::route

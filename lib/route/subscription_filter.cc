// Choice among the filters of a subscription. Most subscriptions have the same filter for all their
// types, and pay for nothing but that one.
#include "lib/route/subscription_filter.h"

#include <algorithm>
#include <utility>

#include "lib/base/status_macros.h"
#include "lib/route/event_pattern.h"

namespace convoy::route {
namespace {

// Greater is more particular.
std::pair<bool, size_t> RankOf(bool is_prefix, std::string_view text) {
  return {!is_prefix, text.size()};
}

}  // namespace

const ContentFilter* ChooseFilter(const Subscription& subscription, std::string_view event_type) {
  const TypeFilter* chosen = nullptr;
  bool has_any = false;
  std::pair<bool, size_t> rank;
  for (const TypeFilter& filter : subscription.type_filters) {
    const EventPattern pattern = EventPattern::Of(filter.event_type);
    if (!pattern.Matches(event_type)) continue;
    has_any = true;
    const auto its_rank = RankOf(pattern.is_prefix, pattern.text);
    if (!filter.enabled_at.has_value() || (chosen != nullptr && its_rank <= rank)) continue;
    chosen = &filter;
    rank = its_rank;
  }
  if (chosen != nullptr) return &chosen->content;
  return has_any ? nullptr : &subscription.filter;
}

absl::StatusOr<SubscriptionFilter> SubscriptionFilter::Compile(const Subscription& subscription) {
  SubscriptionFilter filter;
  CONVOY_ASSIGN_OR_RETURN(filter.own_, ContentProgram::Compile(subscription.filter));
  const bool is_uniform =
      std::all_of(subscription.type_filters.begin(), subscription.type_filters.end(),
                  [&](const TypeFilter& each) {
                    return each.enabled_at.has_value() && each.content == subscription.filter;
                  });
  if (is_uniform) return filter;
  for (const TypeFilter& each : subscription.type_filters) {
    const EventPattern pattern = EventPattern::Of(each.event_type);
    OfType of_type{.is_prefix = pattern.is_prefix,
                   .text = std::string(pattern.text),
                   .is_enabled = each.enabled_at.has_value()};
    CONVOY_ASSIGN_OR_RETURN(of_type.program, ContentProgram::Compile(each.content));
    filter.of_types_.push_back(std::move(of_type));
  }
  std::stable_sort(filter.of_types_.begin(), filter.of_types_.end(),
                   [](const OfType& a, const OfType& b) {
                     return RankOf(a.is_prefix, a.text) > RankOf(b.is_prefix, b.text);
                   });
  return filter;
}

bool SubscriptionFilter::Matches(std::string_view event_type, EventDocuments& documents) const {
  bool has_any = false;
  const Program* chosen = nullptr;
  for (const OfType& each : of_types_) {
    if (!EventPattern{each.is_prefix, each.text}.Matches(event_type)) continue;
    has_any = true;
    if (!each.is_enabled) continue;
    chosen = &each.program;
    break;
  }
  if (chosen == nullptr) {
    if (has_any) return false;
    chosen = &own_;
  }
  return *chosen == nullptr || (*chosen)->Matches(documents);
}

}  // namespace convoy::route

// Choice among the filters of a subscription.
#include "lib/route/subscription_filter.h"

#include <string>

#include "catch2/catch.hpp"

#include "lib/route/snapshot.h"

namespace convoy::route {
namespace {

TypeFilter Of(std::string type, std::string body, bool is_enabled = true) {
  TypeFilter filter{
      .id = type, .event_type = std::move(type), .content = {.body = std::move(body)}};
  if (is_enabled) filter.enabled_at = absl::UnixEpoch();
  return filter;
}

// Whether an event passes, asked of the compiled form and of the choice that the API shows.
bool Passes(const Subscription& subscription, std::string_view event_type, std::string_view body) {
  const auto compiled = SubscriptionFilter::Compile(subscription);
  REQUIRE(compiled.ok());
  const EventContent content{.body = body};
  EventDocuments documents(content);
  const bool passes = compiled->Matches(event_type, documents);
  const ContentFilter* const chosen = ChooseFilter(subscription, event_type);
  const auto program = chosen == nullptr ? nullptr : ContentProgram::Compile(*chosen).value();
  CHECK(passes == (chosen != nullptr && (program == nullptr || program->Matches(documents))));
  return passes;
}

TEST_CASE("subscription_filter: the most particular enabled filter decides") {
  const Subscription subscription{
      .event_types = {"*"},
      .filter = {.body = R"({"own":1})"},
      .type_filters = {Of("*", R"({"star":1})"), Of("a.b", R"({"exact":1})"),
                       Of("a.*", R"({"prefix":1})")}};
  CHECK(Passes(subscription, "a.b", R"({"exact":1})"));
  CHECK_FALSE(Passes(subscription, "a.b", R"({"prefix":1,"star":1,"own":1})"));
  CHECK(Passes(subscription, "a.c", R"({"prefix":1})"));
  CHECK_FALSE(Passes(subscription, "a.c", R"({"star":1,"own":1})"));
  CHECK(Passes(subscription, "x", R"({"star":1})"));
  CHECK_FALSE(Passes(subscription, "x", R"({"own":1})"));
}

TEST_CASE("subscription_filter: a disabled filter leaves its types to a wider one, or to none") {
  Subscription subscription{.event_types = {"*"},
                            .type_filters = {Of("a", "", /*is_enabled=*/false), Of("*", "")}};
  CHECK(Passes(subscription, "a", "{}"));
  subscription.type_filters.pop_back();
  CHECK_FALSE(Passes(subscription, "a", "{}"));
  CHECK(Passes(subscription, "b", "{}"));
}

TEST_CASE("subscription_filter: types without a filter are left to the subscription's own") {
  const Subscription subscription{.event_types = {"*"},
                                  .filter = {.body = R"({"own":1})"},
                                  .type_filters = {Of("a", R"({"a":1})")}};
  CHECK(Passes(subscription, "b", R"({"own":1})"));
  CHECK_FALSE(Passes(subscription, "b", R"({"a":1})"));
  CHECK(Passes(subscription, "a", R"({"a":1})"));
}

TEST_CASE("subscription_filter: one that does not compile is told") {
  CHECK_FALSE(
      SubscriptionFilter::Compile({.type_filters = {Of("a", R"({"x":{"$near":1}})")}}).ok());
}

}  // namespace
}  // namespace convoy::route

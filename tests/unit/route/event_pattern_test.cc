#include "lib/route/event_pattern.h"

#include <catch2/catch.hpp>

namespace convoy::route {
namespace {

bool Matches(std::string_view pattern, std::string_view event_type) {
  return EventPattern::Of(pattern).Matches(event_type);
}

TEST_CASE("event_pattern: an asterisk stands for any end, a type for itself") {
  CHECK(Matches("*", "invoice.created"));
  CHECK(Matches("invoice.*", "invoice.created"));
  CHECK(Matches("invoice.*", "invoice.line.created"));
  CHECK(Matches("invoice.line.*", "invoice.line.created"));
  CHECK(Matches("invoice", "invoice"));
  CHECK_FALSE(Matches("invoice.*", "invoice"));
  CHECK_FALSE(Matches("invoice.*", "invoices.created"));
  CHECK_FALSE(Matches("Invoice.*", "invoice.created"));
  CHECK_FALSE(Matches("invoice", "invoice.created"));
}

TEST_CASE("event_pattern: what would not match as its author expects is refused with the reason") {
  for (const char* pattern : {"*.created",  "invoice*",
                              "*invoice",   "invoice.*.created",
                              "invoice.**", "**",
                              "*.*",        "* ",
                              ".*",         " invoice",
                              "invoice ",   "\tinvoice",
                              "a,b",        "invoice.created,invoice.paid",
                              ",",          "in\nvoice",
                              " ",          "",
                              "invoice.* ", "*invoice.*",
                              "invoice.*.*"}) {
    INFO(pattern);
    const absl::Status status = CheckEventPattern(pattern);
    CHECK(absl::IsInvalidArgument(status));
    CHECK_FALSE(status.message().empty());
  }
  for (const char* pattern : {"*", "invoice.*", "invoice.line.*", "invoice", "invoice.created",
                              "order placed", "a-b_c:d/e", "rechnung.\xC3\xBC", "[x]", "a?b"}) {
    INFO(pattern);
    CHECK(CheckEventPattern(pattern).ok());
  }
}

}  // namespace
}  // namespace convoy::route

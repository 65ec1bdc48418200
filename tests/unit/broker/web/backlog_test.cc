#include "lib/broker/web/backlog.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

namespace convoy::broker {
namespace {

Backlog BacklogOf(size_t count, size_t body_bytes) {
  Backlog backlog;
  for (size_t i = 0; i < count; ++i) {
    backlog.Add(
        {.message = {.body = std::string(body_bytes, 'x')}, .handle = absl::StrCat("h", i)});
  }
  return backlog;
}

TEST_CASE("backlog: hands out in order, within both limits") {
  Backlog backlog = BacklogOf(10, 100);
  CHECK(backlog.Take({.messages_max = 3}).size() == 3);
  CHECK(backlog.size() == 7);
  CHECK(backlog.bytes() == 700);
  CHECK(backlog.Take({.messages_max = 100, .bytes_max = 250}).size() == 3);
  CHECK(backlog.Take({}).size() == 4);
  CHECK(backlog.empty());
  CHECK(backlog.bytes() == 0);
  CHECK(backlog.Take({}).empty());
}

TEST_CASE("backlog: one message may pass the limit of bytes, or it would never come out") {
  Backlog backlog = BacklogOf(2, 1000);
  CHECK(backlog.Take({.messages_max = 10, .bytes_max = 1}).size() == 1);
}

TEST_CASE("backlog: handles are kept until their messages are forgotten") {
  using Handles = std::vector<std::string>;
  Backlog backlog = BacklogOf(5, 1);
  const auto first = backlog.Take({.messages_max = 2});
  CHECK(backlog.HandlesOf(first) == Handles{"h0", "h1"});
  CHECK(backlog.HandlesToKeep(first) == Handles{"h0", "h1", "h2", "h3", "h4"});
  backlog.Forget(std::span(first).first(1));
  CHECK(backlog.HandlesOf(first) == Handles{"h1"});
  const auto second = backlog.Take({.messages_max = 2});
  CHECK(backlog.HandlesOf(second) == Handles{"h2", "h3"});
  Handles all = backlog.AllHandles();
  std::sort(all.begin(), all.end());
  CHECK(all == Handles{"h1", "h2", "h3", "h4"});
}

TEST_CASE("backlog: handles that are never forgotten do not pile up") {
  Backlog backlog = BacklogOf(30'000, 1);
  while (!backlog.empty()) backlog.Take({.messages_max = 100});
  CHECK(backlog.AllHandles().size() < 11'000);
}

}  // namespace
}  // namespace convoy::broker

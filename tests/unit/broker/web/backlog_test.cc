#include "lib/broker/web/backlog.h"

#include <string>

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

TEST_CASE("backlog: handles belong to the last messages handed out, until they are forgotten") {
  Backlog backlog = BacklogOf(5, 1);
  const auto first = backlog.Take({.messages_max = 2});
  CHECK(backlog.HandlesOf(first) == std::vector<std::string>{"h0", "h1"});
  CHECK(backlog.HandlesToKeep(first) == std::vector<std::string>{"h0", "h1", "h2", "h3", "h4"});
  backlog.Forget(std::span(first).first(1));
  CHECK(backlog.HandlesOf(first) == std::vector<std::string>{"h1"});
  const auto second = backlog.Take({.messages_max = 2});
  CHECK(backlog.HandlesOf(first).empty());
  CHECK(backlog.HandlesOf(second) == std::vector<std::string>{"h2", "h3"});
}

}  // namespace
}  // namespace convoy::broker

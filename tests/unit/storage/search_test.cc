#include "lib/storage/search.h"

#include <string>

#include <catch2/catch.hpp>

namespace convoy::storage {
namespace {

const std::string kId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

TEST_CASE("search: an id is found by how it begins, a text by any part, both without case") {
  CHECK(IsFoundBy({.text = "01arz"}, {kId}, {}));
  CHECK_FALSE(IsFoundBy({.text = "ARZ"}, {kId}, {}));
  CHECK(IsFoundBy({.text = "ARZ"}, {}, {kId}));
  CHECK(IsFoundBy({.text = "PAID"}, {kId}, {"none", "invoice.paid"}));
  CHECK_FALSE(IsFoundBy({.text = "PAID"}, {}, {}));
  CHECK(IsFoundBy({}, {}, {}));
}

TEST_CASE("search: what may begin an id") {
  for (size_t size = 0; size <= kId.size(); ++size)
    CHECK(MayBeginId({.text = kId.substr(0, size)}));
  for (const std::string& text : {std::string("0"), std::string("7zzz"), std::string("01arz")}) {
    INFO(text);
    CHECK(MayBeginId({.text = text}));
  }
  for (const std::string& text : {std::string("8"), std::string("none"), std::string("0i"),
                                  std::string("0-"), std::string("0\xC3\xA9"), kId + "0"}) {
    INFO(text);
    CHECK_FALSE(MayBeginId({.text = text}));
    CHECK_FALSE(IsFoundBy({.text = text}, {kId}, {}));
  }
}

}  // namespace
}  // namespace convoy::storage

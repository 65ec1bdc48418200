#include "lib/base/time_text.h"

#include <limits>

#include <catch2/catch.hpp>

namespace convoy::base {
namespace {

TEST_CASE("time_text: instants are written with the digits they need") {
  CHECK(base::FormatTime(absl::UnixEpoch()) == "1970-01-01T00:00:00Z");
  CHECK(base::FormatTime(absl::FromUnixMicros(1'777'629'600'250'000)) == "2026-05-01T10:00:00.25Z");
  CHECK(base::FormatTime(absl::FromUnixMicros(1) + absl::Nanoseconds(999)) ==
        "1970-01-01T00:00:00.000001Z");
}

TEST_CASE("time_text: RFC 3339 is read in any zone, anything else is refused") {
  CHECK(ParseTime("2026-05-01T10:00:00.25Z") == absl::FromUnixMicros(1'777'629'600'250'000));
  CHECK(ParseTime("2026-05-01T12:00:00+02:00") == absl::FromUnixSeconds(1'777'629'600));
  for (const char* text : {"", "2026-05-01", "2026-05-01T10:00:00", "2026-13-01T10:00:00Z",
                           " 2026-05-01T10:00:00Z", "2026-05-01 10:00:00Z", "infinite-future"}) {
    INFO(text);
    CHECK_FALSE(ParseTime(text));
  }
  CHECK_FALSE(ParseTime(std::string(1000, '2')));
}

TEST_CASE("time_text: stored microseconds keep instants and the two infinities") {
  for (const int64_t micros : {int64_t{0}, int64_t{-1}, int64_t{1'777'629'600'250'001}}) {
    CHECK(ToMicros(FromMicros(micros)) == micros);
  }
  CHECK(ToMicros(absl::InfiniteFuture()) == std::numeric_limits<int64_t>::max());
  CHECK(FromMicros(std::numeric_limits<int64_t>::max()) == absl::InfiniteFuture());
  CHECK(FromMicros(std::numeric_limits<int64_t>::min()) == absl::InfinitePast());
}

}  // namespace
}  // namespace convoy::base

// Silence of openers: a row that stands still for long enough, as seen by looks that follow each
// other.
#include "lib/storage/postgres/silence.h"

#include <catch2/catch.hpp>

namespace convoy::storage::postgres {
namespace {

constexpr absl::Duration kLook = absl::Seconds(1);

TEST_CASE("silence: an opener whose row stands still counts as dead after a while") {
  Silence silence;
  absl::Time now = absl::UnixEpoch();
  const absl::Time start = now;
  while (!silence.Note(1, 7, now)) {
    CHECK_FALSE(silence.Note(2, absl::ToInt64Seconds(now - start), now));
    REQUIRE(now < start + absl::Minutes(1));
    now += kLook;
  }
  CHECK(now - start == Silence::kMax);
}

TEST_CASE("silence: one that counts on again is alive again") {
  Silence silence;
  absl::Time now = absl::UnixEpoch();
  for (int i = 0; i < 14; ++i) CHECK_FALSE(silence.Note(1, 7, now += kLook));
  CHECK_FALSE(silence.Note(1, 8, now += kLook));
  for (int i = 0; i < 14; ++i) CHECK_FALSE(silence.Note(1, 8, now += kLook));
}

TEST_CASE("silence: time in which nothing was looked at proves little") {
  Silence silence;
  absl::Time now = absl::UnixEpoch();
  CHECK_FALSE(silence.Note(1, 7, now));
  // The server was away, for everyone.
  CHECK_FALSE(silence.Note(1, 7, now += absl::Minutes(2)));
  CHECK_FALSE(silence.Note(1, 7, now += absl::Minutes(2)));
  silence.Forget();
  CHECK_FALSE(silence.Note(1, 7, now += absl::Minutes(2)));
  silence.ForgetBefore(now + kLook);
  for (int i = 0; i < 14; ++i) CHECK_FALSE(silence.Note(1, 7, now += kLook));
}

}  // namespace
}  // namespace convoy::storage::postgres

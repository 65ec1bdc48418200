#include "lib/body/content_coding.h"

#include <fstream>
#include <iterator>
#include <string>

#include "catch2/catch.hpp"

#include "lib/base/encoding.h"
#include "lib/body/inflate.h"
#include "lib/crypto/digest.h"
#include "lib/json/document.h"

namespace convoy::body {
namespace {

constexpr size_t kBytesMax = 1'000'000;

TEST_CASE("content_coding: what zlib packs is what comes out, and what is damaged is refused") {
  std::ifstream file(std::string(CONVOY_TEST_DIR) + "/vectors/body/codings.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const json::Document cases = json::Parse(text, {}).value();
  REQUIRE(cases.Size() > 50);
  for (const json::Value& test : cases.GetArray()) {
    INFO(test["name"].GetString());
    const std::string packed = base::Base64Decode(test["bytes"].GetString()).value();
    std::string out;
    const DecodeResult result = DecodeContent(test["coding"].GetString(), packed, kBytesMax, &out);
    if (test["sha256"].IsNull()) {
      CHECK(result == DecodeResult::kDamaged);
      continue;
    }
    REQUIRE(result == DecodeResult::kDecoded);
    CHECK(base::HexEncode(crypto::Hash(crypto::HashAlgorithm::kSha256, out).view()) ==
          test["sha256"].GetString());
    // At its size it passes the bound, with one byte less it does not.
    std::string again;
    CHECK(DecodeContent(test["coding"].GetString(), packed, std::max<size_t>(out.size(), 1),
                        &again) != DecodeResult::kDamaged);
    if (out.empty()) continue;
    again.clear();
    CHECK(DecodeContent(test["coding"].GetString(), packed, out.size() - 1, &again) ==
          DecodeResult::kTooLarge);
    CHECK(again.size() < out.size());
  }
}

TEST_CASE("content_coding: names of codings") {
  std::string out;
  for (const char* none : {"", "identity", " Identity ,", "gzip", "br"}) {
    INFO(none);
    CHECK(DecodeContent(none, "{\"a\":1}", kBytesMax, &out) == DecodeResult::kPlain);
  }
  for (const char* unknown : {"zstd", "compress", "gzip2", "gzip, gzip, gzip"}) {
    INFO(unknown);
    CHECK(DecodeContent(unknown, "{\"a\":1}", kBytesMax, &out) == DecodeResult::kUnknown);
  }
}

TEST_CASE("inflate: streams that are none are refused") {
  for (const char* hex : {
           "",
           "07",              // a block of the fourth type
           "00",              // a stored block without its size
           "0001000000",      // its check is wrong
           "0005fa00ff6162",  // wrong check again
           "4b",              // ends within a code
           "edfd",            // more codes than there may be
           "fdff6d92244992244992244992",
       }) {
    INFO(hex);
    const std::string bytes = base::HexDecode(hex).value();
    std::string_view stream = bytes;
    std::string out;
    CHECK(Inflate(stream, kBytesMax, &out) == InflateResult::kMalformed);
  }
}

TEST_CASE("inflate: nothing is written beyond the bound") {
  // Three thousand zeros, by Python's zlib.
  const std::string bomb =
      base::HexDecode("63601805a360148c8251300a46c1281805a360140c760000").value();
  std::string_view stream = bomb;
  std::string out;
  CHECK(Inflate(stream, 100, &out) == InflateResult::kTooLarge);
  CHECK(out.size() <= 100);
}

}  // namespace
}  // namespace convoy::body

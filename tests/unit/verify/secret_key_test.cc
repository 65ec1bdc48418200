// Secrets as people paste them.
#include "lib/verify/secret_key.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"
#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"

namespace convoy::verify {
namespace {

using Keys = std::vector<std::string>;

TEST_CASE("secret_key: white space around a text is tried both ways") {
  const KeyRules text;
  CHECK(DecodeSecret(text, "abc").value() == Keys{"abc"});
  CHECK(DecodeSecret(text, "abc\n").value() == Keys{"abc\n", "abc"});
  CHECK(DecodeSecret(text, " abc ").value() == Keys{" abc ", "abc"});
  CHECK(DecodeSecret(text, "a b").value() == Keys{"a b"});
  // No-break space, zero-width space, byte order mark: what web pages add.
  for (const std::string_view space : {"\xC2\xA0", "\xE2\x80\x8B", "\xEF\xBB\xBF", "\xC2\xA0 \n"}) {
    const std::string pasted = std::string(space) + "abc" + std::string(space);
    CHECK(DecodeSecret(text, pasted).value() == Keys{pasted, "abc"});
  }
  CHECK(TrimSecret("caf\xC3\xA9 ") == "caf\xC3\xA9");
  for (const char* empty : {"", "\n", "  \t", "\xC2\xA0"}) {
    CHECK(DecodeSecret(text, empty).status().message() == "the secret must not be empty");
  }
}

TEST_CASE("secret_key: encodings do not mind white space around them or padding") {
  const KeyRules base64{.format = KeyFormat::kBase64, .prefixes = {"whsec_"}};
  const std::string key = base::Base64Decode("+/8AAQIDBAUGBwgJCg==").value();
  for (const char* pasted :
       {"whsec_+/8AAQIDBAUGBwgJCg==", "whsec_+/8AAQIDBAUGBwgJCg", "+/8AAQIDBAUGBwgJCg==\n",
        "v1,whsec_+/8AAQIDBAUGBwgJCg==", " whsec_+/8AAQIDBAUGBwgJCg== ", "whsec_-_8AAQIDBAUGBwgJCg",
        "whsec_-_8AAQIDBAUGBwgJCg==", "whsec_+/8AAQID\r\nBAUGBwgJCg=="}) {
    INFO(pasted);
    CHECK(DecodeSecret(base64, pasted).value() == Keys{key});
  }
  for (const char* other :
       {"whsec_", "v1,whsec_", "whsec_a!b", "v2,whsec_+/8A", "whsec_-/8A", "whsec_+_8A"}) {
    INFO(other);
    CHECK_FALSE(DecodeSecret(base64, other).ok());
  }
  const KeyRules hex{.format = KeyFormat::kHex};
  CHECK(DecodeSecret(hex, "00fF\r\n").value() == Keys{std::string("\0\xff", 2)});
  CHECK(DecodeSecret(hex, "00 fF").value() == Keys{std::string("\0\xff", 2)});
  CHECK(DecodeSecret(hex, "whsec").status().message().find("hex") != std::string::npos);
  const KeyRules ascii{.is_ascii_only = true};
  CHECK(DecodeSecret(ascii, "caf\xc3\xa9").status().message().find("NFKD") != std::string::npos);
  CHECK(DecodeSecret(ascii, "caf\xc3\xa9").status().message().find("caf") == std::string::npos);
}

TEST_CASE("secret_key: a pasted line feed does not refuse what the provider signs") {
  const auto sign = [](std::string_view secret) {
    return "sha256=" +
           base::HexEncode(
               crypto::HmacOf(crypto::HmacKey(crypto::HashAlgorithm::kSha256, secret), "{}")
                   .view());
  };
  const auto github = CompilePreset("github", {"other", "abc\n"}).value();
  for (const char* secret : {"abc", "abc\n"}) {
    const std::string value = sign(secret);
    const HeaderView headers[] = {{"X-Hub-Signature-256", value}};
    const Verdict verdict =
        github->Verify({.method = "POST", .headers = headers, .body = "{}"}, absl::UnixEpoch());
    CHECK(verdict.accepted());
    CHECK(verdict.secret_index == 1);
  }
  const auto token = CompilePreset("gitlab", {"tok \n"}).value();
  const HeaderView headers[] = {{"X-Gitlab-Token", "tok"}};
  CHECK(token->Verify({.method = "POST", .headers = headers}, absl::UnixEpoch()).accepted());
}

}  // namespace
}  // namespace convoy::verify

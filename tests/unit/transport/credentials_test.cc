// Files in memory that libcurl reads credentials from.
#include "lib/transport/curl/credentials.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

namespace convoy::transport {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

EndpointTls Tls(int number) {
  return {.ca_bundle = absl::StrCat("authorities ", number),
          .client_certificate = absl::StrCat("certificate ", number),
          .client_key = absl::StrCat("key ", number)};
}

TEST_CASE("credentials: a file in memory is read by its path, by any number of readers") {
  const auto file = MemoryFile::Make("content", 5).value();
  CHECK(ReadFile(file->path()) == "content");
  CHECK(ReadFile(file->path()) == "content");
  CHECK_FALSE(std::ofstream(file->path(), std::ios::app).put('x').flush());
}

TEST_CASE("credentials: no two files have one path, although descriptors come again") {
  std::set<std::string> paths;
  for (uint64_t serial = 1; serial <= 300; ++serial) {
    const auto file = MemoryFile::Make(absl::StrCat(serial), serial).value();
    CHECK(paths.insert(file->path()).second);
    CHECK(ReadFile(file->path()) == absl::StrCat(serial));
  }
}

TEST_CASE("credentials: one content is one object, as long as it is kept or in use") {
  CredentialCache cache(/*kept_max=*/2);
  const auto first = cache.Find(Tls(1)).value();
  CHECK(cache.Find(Tls(1)).value() == first);
  CHECK(ReadFile(first->authorities->path()) == "authorities 1");
  CHECK(ReadFile(first->client->path()) == "certificate 1\nkey 1\n");
  const std::string second_path = cache.Find(Tls(2)).value()->client->path();
  CHECK(second_path != first->client->path());
  CHECK(cache.Find(Tls(3)).value() != nullptr);  // the second one has to go: the first is in use
  CHECK(cache.Find(Tls(1)).value() == first);
  CHECK(cache.Find(Tls(2)).value()->client->path() != second_path);
}

TEST_CASE("credentials: parts do not run into each other") {
  CredentialCache cache;
  const auto one = cache.Find({.client_certificate = "ab", .client_key = "c"}).value();
  const auto other = cache.Find({.client_certificate = "a", .client_key = "bc"}).value();
  CHECK(one != other);
  CHECK(one->authorities == nullptr);
  CHECK(cache.Find({.ca_bundle = "ab"}).value()->client == nullptr);
}

}  // namespace
}  // namespace convoy::transport

// The version is written in three places: CMakeLists.txt, convoy/version.h and, through it, the
// library. They are one.
#include "convoy/version.h"

#include <string>

#include <catch2/catch.hpp>

#include <convoy.h>

TEST_CASE("version: the header, the library and the build agree") {
  CHECK(std::string(convoy::kVersion) == CONVOY_PROJECT_VERSION);
  CHECK(std::string(convoy_version_string()) == CONVOY_PROJECT_VERSION);
  CHECK(convoy_version_number() == CONVOY_PROJECT_VERSION_MAJOR * 1000000u +
                                       CONVOY_PROJECT_VERSION_MINOR * 1000u +
                                       CONVOY_PROJECT_VERSION_PATCH);
}

# Dependencies of libconvoy. SQLite and libcurl are the system's shared libraries; RapidJSON and fmt
# are headers; Abseil and BoringSSL are built here, static and hidden (docs/architecture.md).

if(DEFINED ENV{CONVOY_CACHE})
  set(convoy_cache "$ENV{CONVOY_CACHE}")
else()
  set(convoy_cache "$ENV{HOME}/.cache/libconvoy")
endif()
set(CONVOY_ABSEIL_SOURCE_DIR "${convoy_cache}/sources/abseil" CACHE PATH "Source tree of Abseil")
file(READ "${PROJECT_SOURCE_DIR}/script/third_party.json" convoy_pins)
string(JSON convoy_grpcio_version GET "${convoy_pins}" boringssl pypi_version)
set(CONVOY_GRPCIO_DIR "${convoy_cache}/grpcio-${convoy_grpcio_version}" CACHE PATH
    "Source distribution of grpcio, which carries BoringSSL")
foreach(tree IN ITEMS "${CONVOY_ABSEIL_SOURCE_DIR}" "${CONVOY_GRPCIO_DIR}")
  if(NOT EXISTS "${tree}")
    message(FATAL_ERROR "${tree} does not exist: run script/bootstrap first")
  endif()
endforeach()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
pkg_check_modules(SQLite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(Curl REQUIRED IMPORTED_TARGET libcurl)
# Optional: bodies that a sender has compressed with brotli can then be looked into.
pkg_check_modules(Brotli QUIET IMPORTED_TARGET libbrotlidec)
option(CONVOY_BROTLI "Decode the content coding br with libbrotlidec" ${Brotli_FOUND})
if(CONVOY_BROTLI AND NOT Brotli_FOUND)
  message(FATAL_ERROR "CONVOY_BROTLI needs libbrotlidec (Debian: libbrotli-dev)")
endif()
# Optional: filters may then have regular expressions.
pkg_check_modules(Re2 QUIET IMPORTED_TARGET re2)
option(CONVOY_RE2 "Regular expressions in filters ($regex) with RE2" ${Re2_FOUND})
if(CONVOY_RE2 AND NOT Re2_FOUND)
  message(FATAL_ERROR "CONVOY_RE2 needs RE2 (Debian: libre2-dev)")
endif()
find_path(CONVOY_RAPIDJSON_INCLUDE_DIR rapidjson/document.h REQUIRED)
find_path(CONVOY_FMT_INCLUDE_DIR fmt/core.h REQUIRED)

set(ABSL_PROPAGATE_CXX_STD ON)
set(BUILD_TESTING OFF)
add_subdirectory("${CONVOY_ABSEIL_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/third_party/abseil"
                 EXCLUDE_FROM_ALL SYSTEM)
include(BoringSSL)

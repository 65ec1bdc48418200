# Builds BoringSSL's libcrypto from Debian's source package as the imported target convoy::crypto_raw.
#
# Every global symbol gets the prefix convoy_bssl_: a static libconvoy.a can then stand in one program
# with OpenSSL. The prefixing is done on the finished archive, and a generated header maps the names
# for the code that calls them.

find_program(CONVOY_NM nm REQUIRED)
find_program(CONVOY_OBJCOPY objcopy REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

file(READ "${CONVOY_BORINGSSL_SOURCE_DIR}/debian/sources.mk" makefile)
string(REPLACE "\\" "" makefile "${makefile}")
string(REPLACE "\n" ";" lines "${makefile}")
set(boringssl_sources "")
set(section "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(assembly_section linux_x86_64_sources)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(assembly_section linux_aarch64_sources)
endif()
foreach(line IN LISTS lines)
  if(line MATCHES "^([a-z0-9_]+) :=")
    set(section "${CMAKE_MATCH_1}")
  elseif(line MATCHES "^ +([^ ]+\\.[cS])" AND
         (section STREQUAL "crypto_sources" OR section STREQUAL "${assembly_section}"))
    list(APPEND boringssl_sources "${CONVOY_BORINGSSL_SOURCE_DIR}/${CMAKE_MATCH_1}")
  endif()
endforeach()

add_library(convoy_boringssl STATIC EXCLUDE_FROM_ALL ${boringssl_sources})
target_include_directories(convoy_boringssl SYSTEM PRIVATE
  "${CONVOY_BORINGSSL_SOURCE_DIR}/src/crypto" "${CONVOY_BORINGSSL_SOURCE_DIR}/src/include")
target_compile_options(convoy_boringssl PRIVATE
  $<$<COMPILE_LANGUAGE:C>:-std=gnu11> -O2 -w -Wa,--noexecstack -fno-sanitize=all)

set(boringssl_out "${CMAKE_BINARY_DIR}/third_party/boringssl")
file(MAKE_DIRECTORY "${boringssl_out}/include")
add_custom_command(
  OUTPUT "${boringssl_out}/libconvoy_crypto_raw.a" "${boringssl_out}/include/convoy_bssl_symbols.h"
  COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/cmake/prefix_symbols.py"
          --nm "${CONVOY_NM}" --objcopy "${CONVOY_OBJCOPY}" --prefix convoy_bssl_
          --in "$<TARGET_FILE:convoy_boringssl>"
          --out "${boringssl_out}/libconvoy_crypto_raw.a"
          --header "${boringssl_out}/include/convoy_bssl_symbols.h"
  DEPENDS convoy_boringssl "${PROJECT_SOURCE_DIR}/cmake/prefix_symbols.py"
  COMMENT "Prefixing BoringSSL's symbols" VERBATIM)
add_custom_target(convoy_boringssl_prefixed DEPENDS "${boringssl_out}/libconvoy_crypto_raw.a")

add_library(convoy_crypto_raw STATIC IMPORTED GLOBAL)
set_target_properties(convoy_crypto_raw PROPERTIES
  IMPORTED_LOCATION "${boringssl_out}/libconvoy_crypto_raw.a")
# SYSTEM, because its headers do not meet our warnings; the mapping header comes first in each file.
target_include_directories(convoy_crypto_raw SYSTEM INTERFACE
  "${CONVOY_BORINGSSL_SOURCE_DIR}/src/include" "${boringssl_out}/include")
target_compile_options(convoy_crypto_raw INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include convoy_bssl_symbols.h>")
target_link_libraries(convoy_crypto_raw INTERFACE Threads::Threads)
add_dependencies(convoy_crypto_raw convoy_boringssl_prefixed)
add_library(convoy::crypto_raw ALIAS convoy_crypto_raw)

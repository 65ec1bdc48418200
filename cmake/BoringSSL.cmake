# Builds BoringSSL's libcrypto as the target convoy::crypto_raw, from the sources that grpcio's makers
# list for their own build.
#
# BORINGSSL_PREFIX names every global symbol convoy_bssl_…, and puts what is C++ into an inline
# namespace of that name: a static libconvoy.a can then stand in one program with OpenSSL or with
# another BoringSSL. RTTI, which would escape the prefix, and exceptions are off, as its makers
# build it. Assembly for other processors compiles to nothing.

set(boringssl_folder third_party/boringssl-with-bazel)
file(STRINGS "${CONVOY_GRPCIO_DIR}/src/python/grpcio/grpc_core_dependencies.py" lines REGEX
     "'${boringssl_folder}/((crypto|gen)/[^']*(\\.cc|-linux\\.S)|third_party/fiat/asm/[^']*\\.S)'")
set(boringssl_sources "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE ".*'([^']+)'.*" "${CONVOY_GRPCIO_DIR}/\\1" line "${line}")
  list(APPEND boringssl_sources "${line}")
endforeach()

add_library(convoy_boringssl STATIC EXCLUDE_FROM_ALL ${boringssl_sources})
# SYSTEM, because its headers do not meet our warnings.
target_include_directories(convoy_boringssl SYSTEM PUBLIC
  "${CONVOY_GRPCIO_DIR}/${boringssl_folder}/include")
target_compile_definitions(convoy_boringssl PUBLIC BORINGSSL_PREFIX=convoy_bssl)
target_compile_options(convoy_boringssl PRIVATE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>
  -O2 -w -Wa,--noexecstack -fno-sanitize=all)
target_link_libraries(convoy_boringssl PUBLIC Threads::Threads)
# libssl, for the libcurl of the self-contained library alone.
file(STRINGS "${CONVOY_GRPCIO_DIR}/src/python/grpcio/grpc_core_dependencies.py" lines REGEX
     "'${boringssl_folder}/ssl/[^']*\\.cc'")
list(TRANSFORM lines REPLACE ".*'([^']+)'.*" "${CONVOY_GRPCIO_DIR}/\\1")
add_library(convoy_boringssl_ssl STATIC EXCLUDE_FROM_ALL ${lines})
target_compile_options(convoy_boringssl_ssl PRIVATE
  -fno-exceptions -fno-rtti -O2 -w -fno-sanitize=all)
target_link_libraries(convoy_boringssl_ssl PUBLIC convoy_boringssl)
add_library(convoy::crypto_raw ALIAS convoy_boringssl)

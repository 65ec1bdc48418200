# librdkafka for the Kafka adapter as the target convoy_rdkafka: the system's, or the static one that
# script/bootstrap builds, which says why it must not be older. Without either there is no such target.

pkg_check_modules(Rdkafka QUIET IMPORTED_TARGET GLOBAL rdkafka>=2.10)
set(CONVOY_LIBRDKAFKA_DIR "${convoy_cache}/librdkafka-2.15.1" CACHE PATH
    "Where script/bootstrap has put librdkafka")
if(Rdkafka_FOUND)
  add_library(convoy_rdkafka ALIAS PkgConfig::Rdkafka)
elseif(EXISTS "${CONVOY_LIBRDKAFKA_DIR}")
  find_package(OpenSSL REQUIRED)
  find_package(ZLIB REQUIRED)
  pkg_check_modules(Zstd REQUIRED IMPORTED_TARGET GLOBAL libzstd)
  add_library(convoy_rdkafka STATIC IMPORTED GLOBAL)
  set_target_properties(convoy_rdkafka PROPERTIES
    IMPORTED_LOCATION "${CONVOY_LIBRDKAFKA_DIR}/lib/librdkafka.a")
  target_include_directories(convoy_rdkafka SYSTEM INTERFACE "${CONVOY_LIBRDKAFKA_DIR}/include")
  target_link_libraries(convoy_rdkafka INTERFACE
    OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB PkgConfig::Zstd Threads::Threads m ${CMAKE_DL_LIBS})
endif()

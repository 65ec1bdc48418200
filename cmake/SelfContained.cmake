# The self-contained libconvoy, lib/self_contained/libconvoy.so: the objects of libconvoy.so with
# copies of SQLite, libcurl (over the BoringSSL of this tree) and nghttp2 of its own, all hidden, and
# with the compiler's libraries inside. It needs nothing but libc, of glibc 2.28 or later or of musl,
# and is meant for packages of other languages. Without brotli and RE2.
#
# The sources lie in crates whose hashes are pinned; script/packages fetches them.

foreach(part IN ITEMS private-sqlite private-libcurl nghttp2)
  string(JSON folder GET "${convoy_pins}" ${part} folder)
  set(${part}_folder "${convoy_cache}/${folder}")
  if(NOT EXISTS "${${part}_folder}")
    message(FATAL_ERROR "${${part}_folder} does not exist: script/packages fetches it, and so does "
                        "script/sources fetch ${part} ${${part}_folder}")
  endif()
endforeach()
set(sqlite_folder "${private-sqlite_folder}/sqlite3")
set(curl_folder "${private-libcurl_folder}/curl")
set(private_options -w -O2 -fPIC -fvisibility=hidden -fno-sanitize=all)

add_library(convoy_private_sqlite STATIC EXCLUDE_FROM_ALL
  "${sqlite_folder}/sqlite3.c")
target_compile_definitions(convoy_private_sqlite PRIVATE
  NDEBUG SQLITE_THREADSAFE=1 SQLITE_DQS=0 SQLITE_OMIT_LOAD_EXTENSION SQLITE_OMIT_DEPRECATED
  SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_LIKE_DOESNT_MATCH_BLOBS SQLITE_ENABLE_STAT4
  SQLITE_ENABLE_DBSTAT_VTAB HAVE_FDATASYNC=1 HAVE_USLEEP=1 HAVE_LOCALTIME_R=1)

file(GLOB nghttp2_sources CONFIGURE_DEPENDS "${nghttp2_folder}/nghttp2/lib/*.c")
add_library(convoy_private_nghttp2 STATIC EXCLUDE_FROM_ALL ${nghttp2_sources})
target_compile_definitions(convoy_private_nghttp2 PUBLIC NGHTTP2_STATICLIB PRIVATE
  NDEBUG HAVE_ARPA_INET_H HAVE_NETINET_IN_H HAVE_TIME_H HAVE_CLOCK_GETTIME HAVE_DECL_CLOCK_MONOTONIC=1)
# The one header that the makers' own build would write.
file(STRINGS "${nghttp2_folder}/nghttp2/CMakeLists.txt" nghttp2_version
     REGEX "^project\\(nghttp2 VERSION [0-9.]+")
string(REGEX REPLACE ".*VERSION ([0-9.]+).*" "\\1" PACKAGE_VERSION "${nghttp2_version}")
string(REPLACE "." ";" parts "${PACKAGE_VERSION}")
list(GET parts 0 major)
list(GET parts 1 minor)
list(GET parts 2 patch)
math(EXPR PACKAGE_VERSION_NUM "${major} * 65536 + ${minor} * 256 + ${patch}"
     OUTPUT_FORMAT HEXADECIMAL)
set(private_includes "${CMAKE_BINARY_DIR}/third_party/self_contained")
configure_file("${nghttp2_folder}/nghttp2/lib/includes/nghttp2/nghttp2ver.h.in"
               "${private_includes}/nghttp2/nghttp2ver.h" @ONLY)
target_include_directories(convoy_private_nghttp2 SYSTEM PUBLIC
  "${private_includes}" "${nghttp2_folder}/nghttp2/lib/includes")

# Whole: files of what is switched off compile to nothing.
file(GLOB curl_sources CONFIGURE_DEPENDS "${curl_folder}/lib/*.c" "${curl_folder}/lib/*/*.c")
add_library(convoy_private_curl STATIC EXCLUDE_FROM_ALL ${curl_sources})
target_include_directories(convoy_private_curl SYSTEM PRIVATE
  "${PROJECT_SOURCE_DIR}/cmake/self_contained" "${curl_folder}/include" "${curl_folder}/lib")
target_compile_definitions(convoy_private_curl PRIVATE
  NDEBUG BUILDING_LIBCURL CURL_STATICLIB HAVE_CONFIG_H)
target_link_libraries(convoy_private_curl PRIVATE convoy_private_nghttp2 convoy_boringssl_ssl)

foreach(target IN ITEMS convoy_private_sqlite convoy_private_nghttp2 convoy_private_curl)
  target_compile_options(${target} PRIVATE ${private_options})
endforeach()

# The symbols of an older glibc to link with, and what that one lacks.
set(CONVOY_GLIBC 2.28 CACHE STRING "The oldest glibc on which the self-contained library runs")
set(glibc_folder "${CMAKE_BINARY_DIR}/third_party/glibc-${CONVOY_GLIBC}")
execute_process(
  COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/cmake/self_contained/glibc_symbols.py"
          "${CMAKE_C_COMPILER}" "${CONVOY_GLIBC}" "${glibc_folder}"
  COMMAND_ERROR_IS_FATAL ANY)
add_library(convoy_old_glibc STATIC EXCLUDE_FROM_ALL
  "${PROJECT_SOURCE_DIR}/cmake/self_contained/old_glibc.c")
target_compile_definitions(convoy_old_glibc PRIVATE _GNU_SOURCE)
target_compile_options(convoy_old_glibc PRIVATE ${private_options})

convoy_plain_closure(members convoy_shared)
add_library(convoy_self_contained SHARED $<TARGET_OBJECTS:convoy_shared>)
set_target_properties(convoy_self_contained PROPERTIES
  OUTPUT_NAME convoy LINKER_LANGUAGE CXX
  LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/self_contained")
convoy_export(convoy_self_contained exports.map)
convoy_link_archives(convoy_self_contained ${members} convoy_private_curl convoy_private_nghttp2
  convoy_private_sqlite convoy_boringssl_ssl convoy_old_glibc)
target_link_options(convoy_self_contained PRIVATE
  -static-libstdc++ -static-libgcc "-L${glibc_folder}")
target_link_libraries(convoy_self_contained PRIVATE
  -Wl,--no-as-needed -lpthread -Wl,--as-needed)

# Compiler settings shared by everything in this tree, and the function that declares one folder of
# lib/ as a library.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND PROJECT_IS_TOP_LEVEL)
  # Paths below the sources are hashed relative to them, so every clone and work tree of a machine
  # shares what one of them has compiled.
  set(launcher env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${CCACHE_PROGRAM}")
  set(CMAKE_C_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_ASM_COMPILER_LAUNCHER "")
endif()

# GNU_UNIQUE symbols pin a shared library against dlclose and merge across copies.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
endif()

# Asio's fences are unknown to ThreadSanitizer; what they order is ordered by mutexes, too.
set(CONVOY_ASIO_OPTIONS)
if(CONVOY_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(CONVOY_ASIO_OPTIONS -Wno-tsan)
endif()

if(CONVOY_SANITIZE)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${CONVOY_SANITIZE}>"
                      "$<$<COMPILE_LANGUAGE:C,CXX>:-fno-omit-frame-pointer>")
  if(CONVOY_SANITIZE MATCHES "undefined")
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=undefined>")
  endif()
  add_link_options("-fsanitize=${CONVOY_SANITIZE}")
endif()

# Hardening of everything that is built, third parties included. Off where another tool watches the
# same memory, and in debug builds, which do not ship.
if(CMAKE_BUILD_TYPE STREQUAL "Debug" OR CONVOY_SANITIZE OR CONVOY_COVERAGE OR CONVOY_FUZZ)
  set(hardening_default OFF)
else()
  set(hardening_default ON)
endif()
option(CONVOY_HARDENING "Stack protector, fortified libc calls, read-only relocations, PIE"
       ${hardening_default})
if(CONVOY_HARDENING)
  include(CheckCXXCompilerFlag)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES C CXX)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-fstack-protector-strong>")
  foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "CONVOY_HAS${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})
    if(${known})
      add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:${flag}>")
    endif()
  endforeach()
  # It needs an optimised build, and warns where there is none.
  if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
    add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-U_FORTIFY_SOURCE>"
                        "$<$<COMPILE_LANGUAGE:C,CXX>:-D_FORTIFY_SOURCE=2>")
  endif()
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

# Flags for our own code, not for third parties'.
add_library(convoy_flags INTERFACE)
target_compile_options(convoy_flags INTERFACE
  # Designated initialisers leave the other fields at their defaults.
  $<$<COMPILE_LANGUAGE:C,CXX>:-Wall> $<$<COMPILE_LANGUAGE:C,CXX>:-Wextra>
  $<$<COMPILE_LANGUAGE:C,CXX>:-Wno-missing-field-initializers>
  $<$<AND:$<COMPILE_LANGUAGE:C,CXX>,$<BOOL:${CONVOY_WERROR}>>:-Werror>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:Clang>>:-Wthread-safety>)
if(CONVOY_SANITIZE)
  # GCC reports uninitialised values that the instrumentation creates.
  target_compile_options(convoy_flags INTERFACE
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-maybe-uninitialized>)
endif()
if(CONVOY_COVERAGE)
  # Counters shared by threads are wrong otherwise, and gcovr stops at a negative one.
  target_compile_options(convoy_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C,CXX>:--coverage> $<$<COMPILE_LANGUAGE:C,CXX>:-fprofile-update=atomic>)
  add_link_options(--coverage)  # also of what is linked from objects of others
endif()
if(CONVOY_FUZZ)
  target_compile_options(convoy_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=fuzzer-no-link>
    "-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/tests/fuzz/sanitizer_ignore.txt")
endif()
target_include_directories(convoy_flags INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
target_compile_definitions(convoy_flags INTERFACE FMT_HEADER_ONLY)

# convoy_library(base SOURCES clock.cc … DEPS absl::status …) declares lib/<folder> as the static
# library convoy_base. DEPS name what the layer may use; script/tidy checks the includes themselves.
function(convoy_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(convoy_${name} STATIC ${arg_SOURCES})
  target_link_libraries(convoy_${name} PUBLIC convoy_flags ${arg_DEPS})
  set_property(GLOBAL APPEND PROPERTY CONVOY_LIBRARIES convoy_${name})
endfunction()

# convoy_plain_library(brotli SOURCES …) is the library of that name without its optional dependency,
# for the libraries that must need nothing but libc.
function(convoy_plain_library name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  add_library(convoy_plain_${name} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
  target_link_libraries(convoy_plain_${name} PUBLIC convoy_flags)
  set_property(GLOBAL APPEND PROPERTY CONVOY_PLAIN_LIBRARIES ${name})
endfunction()

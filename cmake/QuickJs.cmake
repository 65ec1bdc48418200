# Builds QuickJS, from the sources that script/bootstrap lays out, together with the C files of
# lib/script as one object file, ${convoy_quickjs_object}. Of its symbols only convoy_script_* are
# left: the library can stand in one program with another QuickJS.
#
# Every basic block calls the meter (lib/script/meter.h).

string(JSON quickjs_package GET "${convoy_pins}" quickjs pypi_folder)
set(CONVOY_QUICKJS_DIR "${convoy_cache}/${quickjs_package}" CACHE PATH
    "Source distribution that carries QuickJS")
set(quickjs_folder "${CONVOY_QUICKJS_DIR}/upstream-quickjs")
if(NOT EXISTS "${quickjs_folder}")
  return()
endif()

set(quickjs_options -w -O2 -fPIC -fno-sanitize=all -fvisibility=hidden)
add_library(convoy_quickjs_engine OBJECT EXCLUDE_FROM_ALL
  "${quickjs_folder}/quickjs.c" "${quickjs_folder}/libregexp.c" "${quickjs_folder}/libunicode.c"
  "${quickjs_folder}/dtoa.c")
target_compile_options(convoy_quickjs_engine PRIVATE
  ${quickjs_options} -fsanitize-coverage=trace-pc
  -include "${PROJECT_SOURCE_DIR}/lib/script/sandbox.h")
add_library(convoy_quickjs_calls OBJECT EXCLUDE_FROM_ALL
  "${PROJECT_SOURCE_DIR}/lib/script/arena.c" "${PROJECT_SOURCE_DIR}/lib/script/engine.c"
  "${PROJECT_SOURCE_DIR}/lib/script/meter.c")
target_compile_options(convoy_quickjs_calls PRIVATE
  -Wall -Wextra -O2 -fPIC -fno-sanitize=all -fvisibility=hidden)
foreach(target IN ITEMS convoy_quickjs_engine convoy_quickjs_calls)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_include_directories(${target} SYSTEM PRIVATE "${quickjs_folder}")
  target_compile_definitions(${target} PRIVATE NDEBUG _GNU_SOURCE)
endforeach()

set(convoy_quickjs_object "${CMAKE_BINARY_DIR}/third_party/quickjs.o")
set(quickjs_whole "${CMAKE_BINARY_DIR}/third_party/quickjs_whole.o")
add_custom_command(
  OUTPUT "${convoy_quickjs_object}"
  COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_BINARY_DIR}/third_party"
  COMMAND "${CMAKE_C_COMPILER}" -r -nostdlib -o "${quickjs_whole}"
          $<TARGET_OBJECTS:convoy_quickjs_engine> $<TARGET_OBJECTS:convoy_quickjs_calls>
  COMMAND "${CMAKE_OBJCOPY}" --wildcard --keep-global-symbol=convoy_script_*
          "${quickjs_whole}" "${convoy_quickjs_object}"
  DEPENDS $<TARGET_OBJECTS:convoy_quickjs_engine> $<TARGET_OBJECTS:convoy_quickjs_calls>
  COMMENT "Joining QuickJS" COMMAND_EXPAND_LISTS VERBATIM)
set_source_files_properties("${convoy_quickjs_object}" PROPERTIES
  EXTERNAL_OBJECT ON GENERATED ON)

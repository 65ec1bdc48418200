# Files that `cmake --install` installs:
#
#   lib/libconvoy.so.*            the C interface; exports convoy_* alone
#   lib/convoy/libconvoy-NAME.so  adapters and the store in PostgreSQL, which libconvoy.so loads on
#                                 request (installed by capi/plugin, with the component plugins)
#   lib/libconvoy-testing.so.*    the conformance suites for parts in C (installed by capi/testing)
#   lib/libconvoy.a               both interfaces: our libraries, Abseil and the prefixed BoringSSL
#                                 merged; SQLite and libcurl stay the system's
#   lib/libconvoy-verify.so.*     the stateless verifier alone, and libconvoy-verify.a: they need libc
#                                 and libstdc++, nothing else
#   lib/libconvoy_testing.a       the conformance suite (installed by lib/testing)
#   lib/libconvoy_ui.a            the dashboard for the C++ interface, a component of its own
#   lib/libconvoy_otlp.a          the exporter of spans, a component of its own
#   lib/libconvoy_postgres.a      the store in PostgreSQL, a component of its own
#   lib/libconvoy_script.a        payload functions over QuickJS, a component of its own (lib/script)
#   lib/libconvoy_broker_*.a      the adapters of message brokers, a component each (lib/broker)
#   include/convoy*.h, convoy/    the C headers and the C++ headers
#   include/convoy/third_party/   the Abseil headers that the C++ headers stand on
#   lib/cmake/Convoy, lib/pkgconfig/convoy.pc, lib/pkgconfig/convoy-verify.pc
#   share/libconvoy/              the SPDX document of what is inside
#   share/licenses/libconvoy/     our licence, and those of what is inside
#
# Everything may be moved to another prefix after it was installed.

include(CMakePackageConfigHelpers)

add_library(convoy_c_objects STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:convoy_shared>)
set_target_properties(convoy_c_objects PROPERTIES LINKER_LANGUAGE CXX)
get_property(convoy_libraries GLOBAL PROPERTY CONVOY_LIBRARIES)
# The C interface serves the dashboard, if it was built; a program takes it out of the archive only
# if it opens a gateway by the C interface.
convoy_static_closure(convoy_members convoy_c_objects ${convoy_libraries} convoy_ui)

# The one C symbol that Abseil's inline namespace does not reach: two Abseils in one program would
# define it twice.
target_compile_definitions(absl_symbolize PRIVATE
  AbslInternalGetFileMappingHint=AbslInternalGetFileMappingHint_convoy_lts)

convoy_merge_archives(convoy ${convoy_members})
add_custom_target(convoy_static ALL DEPENDS "${CMAKE_BINARY_DIR}/lib/libconvoy.a")

# The same for the verifier, which links no optional library.
convoy_merge_archives(convoy-verify convoy_verify_objects ${convoy_verify_members})
add_custom_target(convoy_verify_static ALL DEPENDS "${CMAKE_BINARY_DIR}/lib/libconvoy-verify.a")

install(TARGETS convoy_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        COMPONENT libconvoy0 NAMELINK_COMPONENT dev)
install(TARGETS convoy_verify_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        COMPONENT libconvoy-verify0 NAMELINK_COMPONENT dev)
install(FILES "${CMAKE_BINARY_DIR}/lib/libconvoy-verify.a" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${CMAKE_BINARY_DIR}/lib/libconvoy.a" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/capi/convoy.h" "${PROJECT_SOURCE_DIR}/capi/convoy_parts.h"
              "${PROJECT_SOURCE_DIR}/capi/convoy_testing.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/convoy" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.h")
# All of Abseil's headers, not only those that ours include: a missing one would be looked for in
# the system's Abseil, and two versions would meet in one translation unit.
install(DIRECTORY "${CONVOY_ABSEIL_SOURCE_DIR}/absl"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/convoy/third_party"
        FILES_MATCHING PATTERN "*.h" PATTERN "*.inc")
install(FILES "${CONVOY_ABSEIL_SOURCE_DIR}/LICENSE"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/convoy/third_party/absl")

# Licences: ours, and those of what is inside.
set(convoy_licences "${CMAKE_INSTALL_DATADIR}/licenses/libconvoy")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${convoy_licences}")
install(FILES "${CONVOY_ABSEIL_SOURCE_DIR}/LICENSE" DESTINATION "${convoy_licences}"
        RENAME LICENSE.abseil)
install(FILES "${CONVOY_GRPCIO_DIR}/LICENSE" DESTINATION "${convoy_licences}"
        RENAME LICENSE.boringssl)
install(FILES "${PROJECT_SOURCE_DIR}/cmake/LICENSE.rapidjson" DESTINATION "${convoy_licences}")

# The document of what is inside.
set(convoy_sbom "${CMAKE_BINARY_DIR}/libconvoy.spdx.json")
add_custom_command(
  OUTPUT "${convoy_sbom}"
  COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/script/sources" sbom "${convoy_sbom}"
          --version "${PROJECT_VERSION}"
  DEPENDS "${PROJECT_SOURCE_DIR}/script/sources" "${PROJECT_SOURCE_DIR}/script/third_party.json"
  COMMENT "Writing libconvoy.spdx.json" VERBATIM)
add_custom_target(convoy_sbom ALL DEPENDS "${convoy_sbom}")
install(FILES "${convoy_sbom}" DESTINATION "${CMAKE_INSTALL_DATADIR}/libconvoy")

if(CONVOY_BROTLI)
  string(APPEND convoy_links_optional ";brotlidec")
endif()
if(CONVOY_RE2)
  string(APPEND convoy_links_optional ";re2")
endif()
get_target_property(convoy_soversion convoy_shared SOVERSION)
set(convoy_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Convoy")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/ConvoyConfig.cmake.in" "${CMAKE_BINARY_DIR}/ConvoyConfig.cmake"
  INSTALL_DESTINATION "${convoy_package_dir}"
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
# Before 1.0 a new minor version may change the C++ interface.
write_basic_package_version_file("${CMAKE_BINARY_DIR}/ConvoyConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/ConvoyConfig.cmake"
              "${CMAKE_BINARY_DIR}/ConvoyConfigVersion.cmake"
        DESTINATION "${convoy_package_dir}")

# From the folder of convoy.pc up to the prefix.
file(RELATIVE_PATH convoy_pc_to_prefix
     "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
set(convoy_pc_names ${SQLite3_LIBRARIES} ${Curl_LIBRARIES})
if(CONVOY_BROTLI)
  list(APPEND convoy_pc_names ${Brotli_LIBRARIES})
endif()
if(CONVOY_RE2)
  list(APPEND convoy_pc_names ${Re2_LIBRARIES})
endif()
list(TRANSFORM convoy_pc_names PREPEND "-l")
list(JOIN convoy_pc_names " " CONVOY_PC_LIBS)
configure_file("${PROJECT_SOURCE_DIR}/cmake/convoy.pc.in" "${CMAKE_BINARY_DIR}/convoy.pc" @ONLY)
configure_file("${PROJECT_SOURCE_DIR}/cmake/convoy-verify.pc.in"
               "${CMAKE_BINARY_DIR}/convoy-verify.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/convoy.pc" "${CMAKE_BINARY_DIR}/convoy-verify.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

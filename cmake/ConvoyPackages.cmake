# Debian packages, which `cpack` makes of an installed build (script/packages; the preset is packages):
#
#   libconvoy0          libconvoy.so.0
#   libconvoy-verify0   libconvoy-verify.so.0
#   libconvoy-plugins   libconvoy-NAME.so: adapters of message brokers, and the store in PostgreSQL
#   libconvoy-dev       headers, archives, CMake and pkg-config files
#   convoyd             the reference host, with a unit for systemd
#
# dpkg-shlibdeps finds the system's shared libraries that a package needs.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libconvoy)
set(CPACK_PACKAGE_VENDOR libconvoy)
set(CPACK_PACKAGE_CONTACT "libconvoy's maintainers <maintainers@libconvoy.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(packages libconvoy0 libconvoy-verify0 libconvoy-plugins libconvoy-dev convoyd)
set(summary_libconvoy0 "Webhooks gateway as a library: receive, verify, store, deliver")
set(text_libconvoy0 "libconvoy receives webhooks, verifies and stores them durably in one SQLite\nfile, \
and delivers them with retries, inside of the process that links it.\nThis is the shared library with \
its C interface.")
set(summary_libconvoy-verify0 "Verification of webhooks by the schemes of some 240 providers")
set(text_libconvoy-verify0 "The stateless verifier of libconvoy alone: whether a request comes from the \
sender\nthat it claims. It needs no storage, no thread and no library but those of C\nand C++.")
set(summary_libconvoy-plugins "Webhooks gateway as a library: message brokers and PostgreSQL")
set(text_libconvoy-plugins "What libconvoy.so loads on request: the adapters of Kafka, RabbitMQ, SQS and \
Pub/Sub,\nand the store in PostgreSQL.")
set(summary_libconvoy-dev "Webhooks gateway as a library: development files")
set(text_libconvoy-dev "Headers, static archives, also of the adapters of message brokers and of PostgreSQL, and \
the\nfiles for CMake and pkg-config.")
set(summary_convoyd "Webhooks gateway as a server on one SQLite file")
set(text_convoyd "The reference host of libconvoy: receives, verifies, stores and delivers webhooks, with \
a\nREST API, a dashboard and metrics.")

set(CPACK_DEBIAN_LIBCONVOY-DEV_PACKAGE_DEPENDS
    "libconvoy0 (= ${PROJECT_VERSION}-1), libconvoy-verify0 (= ${PROJECT_VERSION}-1), libsqlite3-dev, libcurl4-gnutls-dev | libcurl4-openssl-dev")
if(CONVOY_BROTLI)
  string(APPEND CPACK_DEBIAN_LIBCONVOY-DEV_PACKAGE_DEPENDS ", libbrotli-dev")
endif()
if(CONVOY_RE2)
  string(APPEND CPACK_DEBIAN_LIBCONVOY-DEV_PACKAGE_DEPENDS ", libre2-dev")
endif()
# They go with the library of their build.
set(CPACK_DEBIAN_LIBCONVOY-PLUGINS_PACKAGE_DEPENDS "libconvoy0 (= ${PROJECT_VERSION}-1)")
set(CPACK_DEBIAN_LIBCONVOY-PLUGINS_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBCONVOY0_PACKAGE_SUGGESTS libconvoy-plugins)
set(CPACK_DEBIAN_LIBCONVOY-DEV_PACKAGE_SUGGESTS "libpq-dev, librdkafka-dev, librabbitmq-dev")
set(CPACK_DEBIAN_CONVOYD_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_LIBCONVOY0_PACKAGE_RECOMMENDS ca-certificates)
foreach(package IN ITEMS libconvoy0 libconvoy-verify0)
  string(TOUPPER "${package}" upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION libs)
endforeach()
# The packages that bring or take a library of the linker's folders away (libconvoy-dev: that of the
# conformance suites) tell ldconfig.
foreach(package IN ITEMS libconvoy0 libconvoy-verify0 libconvoy-dev)
  string(TOUPPER "${package}" upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/cmake/debian/triggers")
endforeach()
set(CPACK_DEBIAN_LIBCONVOY-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_CONVOYD_PACKAGE_SECTION net)

# Every package has its licences and its changelog. An installation without packages has them in
# share/licenses.
string(TIMESTAMP convoy_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file("${PROJECT_SOURCE_DIR}/cmake/debian/changelog.in" "${CMAKE_BINARY_DIR}/debian/changelog")
execute_process(
  COMMAND gzip -9nc "${CMAKE_BINARY_DIR}/debian/changelog"
  OUTPUT_FILE "${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz" COMMAND_ERROR_IS_FATAL ANY)
foreach(package IN LISTS packages)
  set(component ${package})
  if(package MATCHES "^libconvoy-(dev|plugins)$")
    set(component ${CMAKE_MATCH_1})
  endif()
  install(FILES "${PROJECT_SOURCE_DIR}/cmake/debian/copyright"
                "${CMAKE_BINARY_DIR}/debian/changelog.Debian.gz"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}" COMPONENT ${component}
          EXCLUDE_FROM_ALL)
endforeach()
install(FILES "${PROJECT_SOURCE_DIR}/cmake/debian/convoyd.service"
        DESTINATION lib/systemd/system COMPONENT convoyd EXCLUDE_FROM_ALL)

# The components of each package. Those that a build does not have are left out.
get_cmake_property(CPACK_COMPONENTS_ALL COMPONENTS)
list(REMOVE_ITEM CPACK_COMPONENTS_ALL Unspecified)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER "${component}" upper)
  if(component MATCHES "^(libconvoy|convoyd)")
    set(CPACK_COMPONENT_${upper}_GROUP ${component})
  elseif(component STREQUAL "plugins")
    set(CPACK_COMPONENT_${upper}_GROUP libconvoy-plugins)
  else()
    set(CPACK_COMPONENT_${upper}_GROUP libconvoy-dev)
  endif()
endforeach()
foreach(package IN LISTS packages)
  string(TOUPPER "${package}" upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary_${package}}\n${text_${package}}")
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary_${package}}\n${text_${package}}")
endforeach()
include(CPack)

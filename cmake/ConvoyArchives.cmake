# Functions that find and merge the static libraries which a library is made of.

# The static libraries behind `ARGN`, themselves included: the members of libconvoy.a.
function(convoy_static_closure out)
  set(waiting ${ARGN})
  set(seen "")
  set(found "")
  while(waiting)
    list(POP_FRONT waiting item)
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" item "${item}")
    if(NOT TARGET "${item}")
      continue()
    endif()
    get_target_property(aliased "${item}" ALIASED_TARGET)
    if(aliased)
      set(item "${aliased}")
    endif()
    if(item IN_LIST seen)
      continue()
    endif()
    list(APPEND seen "${item}")
    get_target_property(type "${item}" TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      list(APPEND found "${item}")
    endif()
    foreach(property IN ITEMS LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_target_property(links "${item}" ${property})
      if(links)
        list(APPEND waiting ${links})
      endif()
    endforeach()
  endwhile()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Takes the libraries with optional dependencies out of the list `out` and puts their plain ones in.
function(convoy_plain_closure out)
  convoy_static_closure(found ${ARGN})
  get_property(plain GLOBAL PROPERTY CONVOY_PLAIN_LIBRARIES)
  foreach(name IN LISTS plain)
    if("convoy_${name}" IN_LIST found)
      list(REMOVE_ITEM found "convoy_${name}")
      list(APPEND found "convoy_plain_${name}")
    endif()
  endforeach()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# Writes lib/lib<name>.a with the members of the static libraries `ARGN`. The script makes ar take
# each apart; paths are relative because its language has no quotes.
function(convoy_merge_archives name)
  set(merge "CREATE lib/lib${name}.a\n")
  foreach(member IN LISTS ARGN)
    string(APPEND merge
           "ADDLIB $<PATH:RELATIVE_PATH,$<TARGET_FILE:${member}>,${CMAKE_BINARY_DIR}>\n")
  endforeach()
  file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/lib${name}.mri" CONTENT "${merge}SAVE\nEND\n")
  set(archive "${CMAKE_BINARY_DIR}/lib/lib${name}.a")
  add_custom_command(
    OUTPUT "${archive}"
    COMMAND "${CMAKE_COMMAND}" -E rm -f "${archive}"
    COMMAND sh -c "'${CMAKE_AR}' -M < lib${name}.mri"
    COMMAND "${CMAKE_RANLIB}" "${archive}"
    DEPENDS "${CMAKE_BINARY_DIR}/lib${name}.mri" ${ARGN}
    WORKING_DIRECTORY "${CMAKE_BINARY_DIR}"
    COMMENT "Merging lib${name}.a" VERBATIM)
endfunction()

# Links the shared library `target` with the static libraries `ARGN` as files: what those need of the
# system's libraries is not linked with them.
function(convoy_link_archives target)
  set(files "")
  foreach(member IN LISTS ARGN)
    list(APPEND files "$<TARGET_FILE:${member}>")
  endforeach()
  target_link_libraries(${target} PRIVATE -Wl,--start-group ${files} -Wl,--end-group)
  add_dependencies(${target} ${ARGN})
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${files}")
endfunction()

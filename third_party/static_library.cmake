# static_library(TARGET HEADER LIBRARY): the imported library TARGET, static where there is a static
# one. Each shared library costs every start of the program a tenth of a millisecond and more.
function(static_library target header library)
  string(TOUPPER ${library} name)
  find_path(${name}_INCLUDE_FOLDER ${header})
  find_library(${name}_FILE NAMES lib${library}.a ${library})
  if(NOT ${name}_INCLUDE_FOLDER OR NOT ${name}_FILE)
    message(FATAL_ERROR "${library}: not found; run scripts/setup.sh")
  endif()
  add_library(${target} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION ${${name}_FILE}
    INTERFACE_INCLUDE_DIRECTORIES ${${name}_INCLUDE_FOLDER})
endfunction()

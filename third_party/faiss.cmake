# FAISS, from the sources of Debian's package, which scripts/setup.sh fetches: Debian's own build knows
# no AVX2 and searches five times slower. Where there are no sources, that one.
# Debian: libblas-dev, liblapack-dev; libfaiss-dev where there are no sources.
#
# BLAS must be static and hidden, so that nothing exports it: libtorch looks its own sgemm_ up by
# name, finds a shared libblas first, and multiplies sixty times slower (seen).
set(VECDB_FAISS_DIR ${PROJECT_SOURCE_DIR}/build/sources/faiss-1.7.3
  CACHE PATH "The sources of FAISS 1.7.3")

# With VECDB_FUZZ, the library that the release preset has built. Clang has no OpenMP here, another
# build would cost every run of the tests minutes, and sanitizers inside would look at FAISS's
# loops: what matters is what we let through to it, and how much it allocates, which is seen from
# outside. scripts/test.sh and scripts/fuzz.sh make it first.
if(VECDB_FUZZ AND EXISTS ${VECDB_FAISS_DIR}/faiss/IndexFlat.cpp)
  add_library(faiss::faiss SHARED IMPORTED GLOBAL)
  set_target_properties(faiss::faiss PROPERTIES
    IMPORTED_LOCATION ${PROJECT_SOURCE_DIR}/build/release/libvecdb_faiss.so
    INTERFACE_INCLUDE_DIRECTORIES ${VECDB_FAISS_DIR})
  return()
endif()

if(VECDB_FUZZ)
  add_library(OpenMP::OpenMP_CXX INTERFACE IMPORTED)  # for Debian's library, which GCC has built
  target_link_libraries(OpenMP::OpenMP_CXX INTERFACE gomp)
else()
  find_package(OpenMP REQUIRED COMPONENTS CXX)
endif()
# Under the alternatives system libblas.a may be OpenBLAS's; the reference one lies in blas/.
find_library(LAPACK_LIBRARY liblapack.a PATH_SUFFIXES lapack REQUIRED)
find_library(BLAS_LIBRARY libblas.a PATH_SUFFIXES blas REQUIRED)
add_library(fortran_runtime OBJECT faiss/fortran_runtime.cpp)

if(EXISTS ${VECDB_FAISS_DIR}/faiss/IndexFlat.cpp)
  message(STATUS "FAISS: ${VECDB_FAISS_DIR}")
  add_subdirectory(faiss)
else()
  find_path(FAISS_INCLUDE_DIR faiss/IndexFlat.h)
  find_library(FAISS_LIBRARY libfaiss.a)
  if(NOT FAISS_INCLUDE_DIR OR NOT FAISS_LIBRARY)
    message(FATAL_ERROR
      "FAISS: not found; run scripts/setup.sh, or set VECDB_FAISS_DIR, or install libfaiss-dev")
  endif()
  message(STATUS "FAISS: ${FAISS_LIBRARY}, a slower build: no sources in ${VECDB_FAISS_DIR}")
  add_library(faiss::faiss INTERFACE IMPORTED GLOBAL)
  set_target_properties(faiss::faiss PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${FAISS_INCLUDE_DIR})
  target_link_libraries(faiss::faiss INTERFACE
    $<TARGET_OBJECTS:fortran_runtime> ${FAISS_LIBRARY} ${LAPACK_LIBRARY} ${BLAS_LIBRARY}
    OpenMP::OpenMP_CXX)
endif()

# Where there is something to be built, what the fuzz targets need.
add_custom_target(faiss_library)
if(TARGET faiss)
  add_dependencies(faiss_library faiss)
endif()

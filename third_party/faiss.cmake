# FAISS, static. Debian: libfaiss-dev, libblas-dev, liblapack-dev, libgfortran-12-dev.
#
# BLAS must be static as well, so that the program does not export it: libtorch looks its own sgemm_
# up by name, finds a shared libblas first, and multiplies sixty times slower (seen).
find_package(OpenMP REQUIRED COMPONENTS CXX)  # FAISS's own package file never asks for it
find_path(FAISS_INCLUDE_DIR faiss/IndexFlat.h REQUIRED)
find_library(FAISS_LIBRARY libfaiss.a REQUIRED)
# Under the alternatives system libblas.a may be OpenBLAS's; the reference one lies in blas/.
find_library(LAPACK_LIBRARY liblapack.a PATH_SUFFIXES lapack REQUIRED)
find_library(BLAS_LIBRARY libblas.a PATH_SUFFIXES blas REQUIRED)
add_library(faiss::faiss INTERFACE IMPORTED GLOBAL)
set_target_properties(faiss::faiss PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${FAISS_INCLUDE_DIR})
target_link_libraries(faiss::faiss INTERFACE
  ${FAISS_LIBRARY} ${LAPACK_LIBRARY} ${BLAS_LIBRARY} -l:libgfortran.a -l:libquadmath.a
  OpenMP::OpenMP_CXX)

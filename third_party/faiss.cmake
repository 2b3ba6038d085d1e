# FAISS, static. Debian: libfaiss-dev. Its package file asks for OpenMP and BLAS without looking
# for them, so they are found here first.
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(BLAS REQUIRED)
find_package(LAPACK REQUIRED)
find_path(FAISS_INCLUDE_DIR faiss/IndexFlat.h REQUIRED)
find_library(FAISS_LIBRARY NAMES libfaiss.a faiss REQUIRED)
add_library(faiss::faiss INTERFACE IMPORTED GLOBAL)
set_target_properties(faiss::faiss PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${FAISS_INCLUDE_DIR})
target_link_libraries(faiss::faiss INTERFACE
  ${FAISS_LIBRARY} OpenMP::OpenMP_CXX LAPACK::LAPACK BLAS::BLAS)

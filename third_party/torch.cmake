# libtorch, as PyPI's torch package carries it. scripts/setup.sh puts that into a virtual
# environment inside the build folder; VECDB_TORCH_DIR names another one.
set(VECDB_TORCH_DIR "" CACHE PATH "The folder of an installed torch package (site-packages/torch)")
if(NOT VECDB_TORCH_DIR)
  file(GLOB candidates ${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/torch)
  list(GET candidates 0 VECDB_TORCH_DIR)
endif()
if(NOT EXISTS ${VECDB_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "libtorch: not found; run scripts/setup.sh, or set VECDB_TORCH_DIR")
endif()
file(READ ${VECDB_TORCH_DIR}/version.py version_py)
string(REGEX MATCH "__version__ = '([0-9.]+)" _ "${version_py}")
set(TORCH_VERSION ${CMAKE_MATCH_1} CACHE INTERNAL "")
message(STATUS "libtorch ${TORCH_VERSION}: ${VECDB_TORCH_DIR}")

# The Python that the package is installed for: the build lets it write the encoders' graphs.
cmake_path(GET VECDB_TORCH_DIR PARENT_PATH torch_site)
set(VECDB_TORCH_PYTHON ${torch_site}/../../../bin/python CACHE FILEPATH
  "A Python that can import this torch")
if(NOT EXISTS ${VECDB_TORCH_PYTHON})
  message(FATAL_ERROR "libtorch: no Python beside it; set VECDB_TORCH_PYTHON")
endif()

# The package's own CMake files set global flags and look for compilers that we do not need; two
# libraries and two include folders are all there is to it.
add_library(torch::torch INTERFACE IMPORTED GLOBAL)
target_include_directories(torch::torch SYSTEM INTERFACE
  ${VECDB_TORCH_DIR}/include ${VECDB_TORCH_DIR}/include/torch/csrc/api/include)
target_compile_definitions(torch::torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
target_link_libraries(torch::torch INTERFACE
  ${VECDB_TORCH_DIR}/lib/libtorch_cpu.so ${VECDB_TORCH_DIR}/lib/libc10.so)
set(TORCH_LIBRARY_FOLDER ${VECDB_TORCH_DIR}/lib CACHE INTERNAL "")
# What the installed program needs beside its own module. Some builds of the package carry an OpenMP
# runtime of their own.
file(GLOB openmp ${VECDB_TORCH_DIR}/lib/libgomp*.so*)
set(TORCH_RUNTIME_LIBRARIES
  ${VECDB_TORCH_DIR}/lib/libtorch_cpu.so ${VECDB_TORCH_DIR}/lib/libc10.so ${openmp}
  CACHE INTERNAL "")

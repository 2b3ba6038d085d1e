# SentencePiece, static, from the source archive that scripts/setup.sh fetches. Debian's package is
# shared, crashes on broken models, and exports a symbol that libtorch exports as well.
#
# Only what a unigram model needs, with the protobuf-lite and absl that the archive carries. Its own
# CMake files build programs and a trainer too, and set flags and cache entries that we do not want.
set(VECDB_SENTENCEPIECE_DIR ${PROJECT_SOURCE_DIR}/build/sources/sentencepiece-0.2.1/sentencepiece
  CACHE PATH "The C++ sources of sentencepiece 0.2.1")
if(NOT EXISTS ${VECDB_SENTENCEPIECE_DIR}/src/unigram_model.cc)
  message(FATAL_ERROR
    "sentencepiece: not found; run scripts/setup.sh, or set VECDB_SENTENCEPIECE_DIR")
endif()
file(STRINGS ${VECDB_SENTENCEPIECE_DIR}/VERSION.txt version LIMIT_COUNT 1)
message(STATUS "sentencepiece ${version}: ${VECDB_SENTENCEPIECE_DIR}")
file(CONFIGURE OUTPUT sentencepiece/config.h CONTENT
"#define VERSION \"${version}\"
#define PACKAGE_STRING \"sentencepiece\"
#define INSTALL_DATADIR \"\"
")

set(source ${VECDB_SENTENCEPIECE_DIR}/src)
file(GLOB protobuf_lite ${VECDB_SENTENCEPIECE_DIR}/third_party/protobuf-lite/*.cc)
add_library(sentencepiece-static STATIC EXCLUDE_FROM_ALL
  ${protobuf_lite}
  ${VECDB_SENTENCEPIECE_DIR}/third_party/absl/flags/flag.cc
  ${source}/builtin_pb/sentencepiece_model.pb.cc
  ${source}/error.cc
  ${source}/model_interface.cc
  ${source}/normalizer.cc
  ${source}/unigram_model.cc
  ${source}/util.cc)
target_include_directories(sentencepiece-static SYSTEM PUBLIC
  ${VECDB_SENTENCEPIECE_DIR} ${source}/builtin_pb
  ${VECDB_SENTENCEPIECE_DIR}/third_party/protobuf-lite
  ${CMAKE_CURRENT_BINARY_DIR}/sentencepiece)
target_compile_definitions(sentencepiece-static
  PUBLIC HAVE_PTHREAD=1 _USE_INTERNAL_STRING_VIEW)
target_compile_options(sentencepiece-static PRIVATE -w)
target_link_libraries(sentencepiece-static PUBLIC Threads::Threads)
# Hidden: libtorch holds a protobuf of its own.
set_target_properties(sentencepiece-static PROPERTIES
  CXX_STANDARD 17 CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
# Instrumented too, so that a broken model that its checks let through is seen.
if(VECDB_SANITIZE)
  target_compile_options(sentencepiece-static PRIVATE
    -fsanitize=${VECDB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
endif()

// Compiled once for each level of instruction sets, into a module of its own (see CMakeLists.txt).

#include "model/encoder/encoder.h"
#include "model/encoder/native/f32.h"
#include "model/encoder/native/int8.h"
#include "model/encoder/native/transformer.h"
#include "model/encoder/native/transformer_run.h"
#include "model/encoder/native/transformer_weights.h"
#if defined(VECDB_AMX)
#include "model/encoder/native/amx_bf16.h"
#elif defined(__AVX512BF16__)
#include "model/encoder/native/dot_bf16.h"
#endif

namespace vecdb::native {

namespace {

#if defined(VECDB_AMX)
using BestBf16 = AmxBf16;
using Attended = AmxBf16;
#elif defined(__AVX512BF16__)
using BestBf16 = DotBf16;
using Attended = DotBf16;
#else
using BestBf16 = RoundedBf16;
using Attended = F32;
#endif

}  // namespace

}  // namespace vecdb::native

// Found by name after dlopen (see encoder.cpp). The caller owns the result.
extern "C" __attribute__((visibility("default"))) vecdb::Encoder* vecdb_make_native_encoder(
    const vecdb::EncoderParts& parts) {
  using namespace vecdb;
  switch (parts.precision) {
    case Precision::k_bf16:
      return new native::Transformer<native::BestBf16>(parts);
    case Precision::k_int8:
      return new native::Transformer<native::Int8, native::Attended>(parts);
    default:
      return new native::Transformer<native::F32>(parts);
  }
}

// The one translation unit that includes libtorch. It is built into a module of its own,
// libvecdb_torch.so, because loading libtorch costs more than most commands take.

#include <ATen/Parallel.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <cstring>
#include <istream>
#include <streambuf>

#include "base/error.h"
#include "model/encoder/encoder.h"
#include "model/encoder/torch_allocator.h"

namespace vecdb {

namespace {

// A row of tokens is filled up to a multiple of this. Matrix products of a few rows take other code
// paths, with other last bits, than those of many (seen: fewer than 4 rows, or an odd number of
// them); a text must not notice how many tokens stand beside it.
constexpr std::size_t k_row_granularity = 16;

// Reads an archive from memory that has been hashed, so that what runs is what was checked.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::span<const std::byte> bytes) {
    char* begin = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    setg(begin, begin, begin + bytes.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    const off_type base = from == std::ios_base::beg   ? 0
                          : from == std::ios_base::cur ? gptr() - eback()
                                                       : egptr() - eback();
    const off_type target = base + offset;
    if (target < 0 || target > egptr() - eback()) return pos_type(off_type(-1));
    setg(eback(), eback() + target, egptr());
    return pos_type(target);
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
    return seekoff(off_type(position), std::ios_base::beg, mode);
  }
};

at::ScalarType torch_dtype(DType dtype, const std::string& name) {
  switch (dtype) {
    case DType::k_f32:
      return at::kFloat;
    case DType::k_f16:
      return at::kHalf;
    case DType::k_bf16:
      return at::kBFloat16;
    default:
      throw Error(ErrorKind::k_model, name + ": dtype " + name_of(dtype) + " is not for weights");
  }
}

// The tensor where it lies in the mapped file when it can be used as it is, else a converted copy.
at::Tensor make_weight(const std::string& name, const TensorView& view, at::ScalarType wanted) {
  const auto dtype = torch_dtype(view.dtype, name);
  const auto address = reinterpret_cast<std::uintptr_t>(view.bytes.data());
  if (address % size_of(view.dtype) == 0) {
    auto* data = const_cast<std::byte*>(view.bytes.data());  // never written: inference only
    return at::from_blob(data, view.shape, at::TensorOptions(dtype)).to(wanted);
  }
  at::Tensor copy = at::empty(view.shape, at::TensorOptions(dtype));
  std::memcpy(copy.data_ptr(), view.bytes.data(), view.bytes.size());
  return copy.to(wanted);
}

class TorchEncoder final : public Encoder {
 public:
  explicit TorchEncoder(const EncoderParts& parts) : m_dimension(parts.dimension) {
    // The optimiser would cost more at the start than it gains, and a profiling executor changes
    // the graph, hence possibly the last bits, after a few runs.
    torch::jit::setGraphExecutorOptimize(false);
    torch::jit::getExecutorMode() = false;
    torch::jit::getProfilingMode() = false;
    at::set_num_threads(1);
    static const bool block_allocator = (use_block_allocator(), true);
    static_cast<void>(block_allocator);
    MemoryBuffer buffer(parts.graph);
    std::istream stream(&buffer);
    m_module = torch::jit::load(stream, at::kCPU);
    m_module.eval();
    read_weights(parts);
    for (const auto& [name, value] : parts.options) m_options.insert(name, value);
  }

  std::vector<float> encode(const PackedTokens& batch, int task) const override {
    if (batch.texts() == 0) return {};
    thread_local const bool single_threaded = [] {
      at::set_num_threads(1);
      return true;
    }();
    static_cast<void>(single_threaded);
    const c10::InferenceMode no_gradients;
    try {
      return run(batch, task);
    } catch (const std::exception& error) {  // c10::Error, std::bad_alloc
      // TorchScript wraps what its operations throw.
      if (last_line(error).ends_with("std::bad_alloc")) throw std::bad_alloc();
      throw Error(ErrorKind::k_model, std::string("the encoder failed: ") + last_line(error));
    }
  }

  // libtorch's messages are pages; what went wrong stands on the last line that is not empty.
  static std::string last_line(const std::exception& error) {
    std::string text = error.what();
    while (text.ends_with('\n')) text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  }

 private:
  void read_weights(const EncoderParts& parts) {
    const auto wanted = parts.precision == Precision::k_bf16 ? at::kBFloat16 : at::kFloat;
    for (const auto& [name, view] : parts.weights) {
      m_weights.insert(name, make_weight(name, view, wanted));
    }
  }

  std::vector<float> run(const PackedTokens& batch, int task) const {
    const auto rows = (batch.ids.size() + k_row_granularity - 1) / k_row_granularity;
    at::Tensor ids = at::zeros(static_cast<std::int64_t>(rows * k_row_granularity), at::kLong);
    std::memcpy(ids.data_ptr(), batch.ids.data(), batch.ids.size() * sizeof(std::int64_t));
    at::Tensor starts = at::empty(static_cast<std::int64_t>(batch.starts.size()), at::kLong);
    std::memcpy(starts.data_ptr(), batch.starts.data(), batch.starts.size() * sizeof(std::int64_t));
    auto module = m_module;  // a handle: forward() is not const
    auto options = m_options.copy();
    options.insert("task", static_cast<double>(task));
    const at::Tensor vectors =
        module.forward({ids, starts, m_weights, options}).toTensor().contiguous();
    const auto texts = static_cast<std::int64_t>(batch.texts());
    const auto dimension = static_cast<std::int64_t>(m_dimension);
    if (vectors.scalar_type() != at::kFloat ||
        vectors.sizes() != at::IntArrayRef{texts, dimension}) {
      throw Error(ErrorKind::k_model,
                  "the encoder's graph returns another shape than model.json says");
    }
    const auto* data = vectors.const_data_ptr<float>();
    return {data, data + vectors.numel()};
  }

  torch::jit::Module m_module;
  c10::Dict<std::string, at::Tensor> m_weights;
  c10::Dict<std::string, double> m_options;
  std::size_t m_dimension;
};

}  // namespace

}  // namespace vecdb

// Found by name after dlopen (see encoder.cpp). The caller owns the result.
extern "C" __attribute__((visibility("default"))) vecdb::Encoder* vecdb_make_torch_encoder(
    const vecdb::EncoderParts& parts) {
  try {
    return new vecdb::TorchEncoder(parts);
  } catch (const vecdb::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw vecdb::Error(vecdb::ErrorKind::k_model, parts.graph_name + ": cannot be loaded: " +
                                                      vecdb::TorchEncoder::last_line(error) +
                                                      "; add the model again");
  }
}

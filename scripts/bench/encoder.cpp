// What encoder.py runs: how near the native engine comes to the rate that oneDNN's matrix products
// have at the model's own shapes. Both run on this one thread and take turns, and seconds are those
// of the thread, because other load would decide otherwise.
//
//   bench_encoder MODEL_DIR f32|bf16|int8 TOKENS_A_TEXT BATCH_TOKENS ROUNDS
//
// Prints an object of lists, one number a round: operations a second (a product's two for each pair
// of numbers) of the engine, and of the products of one layer, one after the other ("layer": its
// weights are more than the second-level cache holds) and each again and again ("alone").

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <iostream>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "model/model.h"

namespace {

using vecdb::Precision;

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Shape {
  std::int64_t columns;
  std::int64_t depth;
};

std::vector<Shape> products_of(const vecdb::EncoderShape& encoder) {
  const auto hidden = static_cast<std::int64_t>(encoder.hidden_size);
  const auto inner = static_cast<std::int64_t>(encoder.intermediate_size);
  const std::int64_t up = encoder.architecture.starts_with("jina-bert") ? 2 * inner : inner;
  return {{3 * hidden, hidden}, {hidden, hidden}, {up, hidden}, {hidden, inner}};
}

struct Types {
  dnnl::memory::data_type left;
  dnnl::memory::data_type right;
  dnnl::memory::data_type out;
};

Types types_of(Precision precision) {
  using Type = dnnl::memory::data_type;
  switch (precision) {
    case Precision::k_bf16:
      return {Type::bf16, Type::bf16, Type::bf16};
    case Precision::k_int8:
      return {Type::u8, Type::s8, Type::f32};
    default:
      return {Type::f32, Type::f32, Type::f32};
  }
}

// The products of one layer with so many rows, weights in the order that oneDNN likes best. The
// numbers are random: products of zeros heat the processor less, and are faster.
class Products {
 public:
  Products(const std::vector<Shape>& shapes, std::int64_t rows, Precision precision) {
    using dnnl::memory;
    const Types types = types_of(precision);
    for (const Shape& shape : shapes) {
      const memory::desc left({rows, shape.depth}, types.left, memory::format_tag::ab);
      const memory::desc right({shape.depth, shape.columns}, types.right, memory::format_tag::any);
      const memory::desc bias({1, shape.columns}, memory::data_type::f32, memory::format_tag::ab);
      const memory::desc out({rows, shape.columns}, types.out, memory::format_tag::ab);
      const dnnl::matmul::primitive_desc plan(m_engine, left, right, bias, out);
      m_products.push_back({dnnl::matmul(plan),
                            {{DNNL_ARG_SRC, filled(left)},
                             {DNNL_ARG_WEIGHTS, filled(plan.weights_desc())},
                             {DNNL_ARG_BIAS, filled(bias)},
                             {DNNL_ARG_DST, memory(out, m_engine)}}});
      m_operations += 2.0 * static_cast<double>(rows * shape.columns * shape.depth);
    }
  }

  double layer_rate() {
    const double start = thread_seconds();
    for (Product& product : m_products) product.primitive.execute(m_stream, product.arguments);
    m_stream.wait();
    return m_operations / (thread_seconds() - start);
  }

  double alone_rate() {
    constexpr int repetitions = 8;
    double seconds = 0;
    for (Product& product : m_products) {
      product.primitive.execute(m_stream, product.arguments);
      const double start = thread_seconds();
      for (int i = 0; i < repetitions; ++i) product.primitive.execute(m_stream, product.arguments);
      m_stream.wait();
      seconds += (thread_seconds() - start) / repetitions;
    }
    return m_operations / seconds;
  }

 private:
  struct Product {
    dnnl::matmul primitive;
    std::unordered_map<int, dnnl::memory> arguments;
  };

  dnnl::memory filled(const dnnl::memory::desc& shape) {
    dnnl::memory memory(shape, m_engine);
    auto* numbers = static_cast<std::uint16_t*>(memory.get_data_handle());
    std::minstd_rand random(1);
    // As bfloat16, and as the upper half of a float: of either sign, around 0.01.
    for (std::size_t i = 0; i < shape.get_size() / sizeof *numbers; ++i) {
      numbers[i] = static_cast<std::uint16_t>(0x3C00U | (random() & 0x83FFU));
    }
    return memory;
  }

  dnnl::engine m_engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream m_stream{m_engine};
  std::vector<Product> m_products;
  double m_operations = 0;
};

Precision precision_of(const std::string& name) {
  if (name == "int8") return Precision::k_int8;
  return name == "bf16" ? Precision::k_bf16 : Precision::k_f32;
}

vecdb::PackedTokens random_batch(const vecdb::EncoderShape& encoder, std::size_t tokens_a_text,
                                 std::size_t tokens) {
  std::minstd_rand random(1);
  vecdb::PackedTokens batch;
  std::vector<vecdb::TokenId> text(tokens_a_text);
  do {
    for (auto& id : text) id = static_cast<vecdb::TokenId>(random() % encoder.vocab_size);
    batch.append(text);
  } while (batch.ids.size() + tokens_a_text <= tokens);
  return batch;
}

double operations_of(const vecdb::EncoderShape& encoder, std::size_t tokens_a_text,
                     std::size_t tokens) {
  double a_token = 4.0 * static_cast<double>(tokens_a_text * encoder.hidden_size);  // attention
  for (const Shape& shape : products_of(encoder)) {
    a_token += 2.0 * static_cast<double>(shape.columns * shape.depth);
  }
  return a_token * static_cast<double>(tokens * encoder.num_hidden_layers);
}

}  // namespace

int main(int, char** argv) {
  ::omp_set_num_threads(1);
  const vecdb::Model model{std::string(argv[1])};
  const auto precision = precision_of(argv[2]);
  const auto tokens_a_text = static_cast<std::size_t>(std::stoul(argv[3]));
  const vecdb::EncoderShape& shape = model.manifest().encoder;
  const auto encoder = model.make_encoder(precision, vecdb::Engine::k_native);
  const auto batch = random_batch(shape, tokens_a_text, std::stoul(argv[4]));
  const double operations = operations_of(shape, tokens_a_text, batch.ids.size());
  std::vector<Products> products;
  for (const std::int64_t rows : {128, 256, 1024}) {
    products.emplace_back(products_of(shape), rows, precision);
  }
  vecdb::Json result = {{"tokens", batch.ids.size()}};
  for (int round = 0; round < std::stoi(argv[5]); ++round) {
    double layer = 0;
    double alone = 0;
    for (Products& each : products) {
      layer = std::max(layer, each.layer_rate());
      alone = std::max(alone, each.alone_rate());
    }
    const double start = thread_seconds();
    encoder->encode(batch, -1);
    const double seconds = thread_seconds() - start;
    result["engine"].push_back(operations / seconds);
    result["tokens_a_second"].push_back(static_cast<double>(batch.ids.size()) / seconds);
    result["layer"].push_back(layer);
    result["alone"].push_back(alone);
  }
  std::cout << vecdb::dump_json(result) << '\n';
  std::cout.flush();
  std::_Exit(0);
}

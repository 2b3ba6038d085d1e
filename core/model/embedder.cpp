#include "model/embedder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"

namespace vecdb {

namespace {

// Tokens a batch: enough for the matrix products to run at their full rate, little enough to stay
// in the cache and to share the work evenly between workers.
constexpr std::size_t k_batch_tokens = 1024;

// A batch is the texts [begin, end).
struct Batch {
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::vector<Batch> make_batches(std::span<const Tokens> texts) {
  std::vector<Batch> batches;
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (batches.empty() || tokens + texts[i].ids.size() > k_batch_tokens) {
      batches.push_back({i, i});
      tokens = 0;
    }
    tokens += texts[i].ids.size();
    batches.back().end = i + 1;
  }
  return batches;
}

// Runs task(i) for every i below `count` on `threads` threads, the caller's among them. The first
// exception stops the rest and is thrown again.
template <typename Task>
void run_parallel(std::size_t count, std::size_t threads, const Task& task) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) task(i);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  std::vector<std::thread> workers;
  for (std::size_t i = 1; i < std::min(threads, count); ++i) workers.emplace_back(work);
  work();
  for (auto& worker : workers) worker.join();
  if (failure) std::rethrow_exception(failure);
}

void scale_to_unit(std::span<float> vector) {
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  if (!(squares > 0) || !std::isfinite(squares)) {
    throw Error(ErrorKind::k_model,
                "the encoder returned a vector without a direction; "
                "run `vecdb model verify`");
  }
  const double scale = 1.0 / std::sqrt(squares);
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) * scale);
}

}  // namespace

Precision native_precision() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return Precision::k_bf16;
#endif
  return Precision::k_f32;
}

Embedder::Embedder(Model model, Precision precision, std::size_t threads)
    : m_model(std::move(model)),
      m_precision(precision),
      m_threads(std::max<std::size_t>(threads, 1)) {}

const Prompt& Embedder::prompt_of(TextRole role) const noexcept {
  static const Prompt none;
  switch (role) {
    case TextRole::k_query:
      return m_model.manifest().query;
    case TextRole::k_passage:
      return m_model.manifest().passage;
    case TextRole::k_plain:
      break;
  }
  return none;
}

std::vector<Tokens> Embedder::tokenize(std::span<const std::string_view> texts,
                                       TextRole role) const {
  const ModelManifest& manifest = m_model.manifest();
  const std::string prefix = prompt_of(role).prefix;
  std::vector<Tokens> tokens;
  tokens.reserve(texts.size());
  std::string prefixed;
  for (const auto text : texts) {
    if (prefix.empty()) {
      tokens.push_back(m_model.tokenizer().tokenize(text, manifest.window));
    } else {
      prefixed.assign(prefix).append(text);
      tokens.push_back(m_model.tokenizer().tokenize(prefixed, manifest.window));
    }
  }
  return tokens;
}

std::optional<Embeddings> Embedder::embed(std::span<const std::string_view> texts, TextRole role,
                                          VectorLength length) {
  if (!m_encoder) m_encoder = m_model.make_encoder(m_precision);
  const std::vector<Tokens> tokens = tokenize(texts, role);
  const std::size_t dimension = m_model.manifest().dimension();
  Embeddings result;
  result.vectors.resize(texts.size() * dimension);
  for (const Tokens& each : tokens) {
    result.token_counts.push_back(static_cast<std::uint32_t>(each.full_length));
    result.truncated.push_back(each.truncated());
  }
  const std::vector<Batch> batches = make_batches(tokens);
  std::atomic<bool> stopped = false;
  run_parallel(batches.size(), m_threads, [&](std::size_t i) {
    if (pending_interrupt() != 0) stopped = true;
    if (stopped) return;
    PackedTokens packed;
    for (std::size_t text = batches[i].begin; text < batches[i].end; ++text) {
      packed.append(tokens[text].ids);
    }
    const std::vector<float> vectors = m_encoder->encode(packed, prompt_of(role).task);
    const auto place =
        result.vectors.begin() + static_cast<std::ptrdiff_t>(batches[i].begin * dimension);
    std::copy(vectors.begin(), vectors.end(), place);
  });
  if (stopped) return std::nullopt;
  if (length == VectorLength::k_unit && !m_model.manifest().normalize) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      scale_to_unit(std::span(result.vectors).subspan(i * dimension, dimension));
    }
  }
  return result;
}

}  // namespace vecdb

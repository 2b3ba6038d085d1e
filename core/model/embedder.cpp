#include "model/embedder.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/worker_pool.h"
#include "model/encoder/native_level.h"
#include "model/tokenizer/text_division.h"

namespace vecdb {

namespace {

// Tokens a batch, where memory allows: enough for the matrix products to run at their full rate,
// little enough to stay in the cache and to share the work evenly between workers.
constexpr std::size_t k_most_batch_tokens = 1024;
constexpr std::size_t k_least_batch_tokens = 64;

// A batch is the parts [begin, end).
struct Batch {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t tokens = 0;
  std::size_t longest = 0;  // tokens of its longest part
};

std::size_t count_tokens(std::span<const std::span<const TokenId>> parts) {
  std::size_t tokens = 0;
  for (const auto& part : parts) tokens += part.size();
  return tokens;
}

// Batches become smaller towards the end, so that no worker is left alone with a large one: half of
// a worker's share of the rest, or the least (Polychronopoulos and Kuck 1987, "Guided
// Self-Scheduling").
std::vector<Batch> make_batches(std::span<const std::span<const TokenId>> parts,
                                std::size_t most_tokens, std::size_t workers) {
  std::vector<Batch> batches;
  std::size_t left = count_tokens(parts);
  std::size_t most = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (batches.empty() || batches.back().tokens + parts[i].size() > most) {
      batches.push_back({.begin = i, .end = i});
      most = workers < 2 ? most_tokens
                         : std::clamp(left / (2 * workers), k_least_batch_tokens, most_tokens);
    }
    Batch& batch = batches.back();
    batch.end = i + 1;
    batch.tokens += parts[i].size();
    batch.longest = std::max(batch.longest, parts[i].size());
    left -= parts[i].size();
  }
  return batches;
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

// The mean of the parts' vectors, each weighted with its number of tokens.
void average(std::span<const float> vectors, std::span<const std::span<const TokenId>> parts,
             std::span<float> mean) {
  std::vector<double> sums(mean.size());
  double tokens = 0;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const auto weight = static_cast<double>(parts[part].size());
    const auto vector = vectors.subspan(part * mean.size(), mean.size());
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] += weight * static_cast<double>(vector[i]);
    tokens += weight;
  }
  for (std::size_t i = 0; i < sums.size(); ++i) mean[i] = static_cast<float>(sums[i] / tokens);
}

}  // namespace

std::size_t TokenizedText::tokens_read() const noexcept {
  std::size_t count = 0;
  for (const auto& part : parts) count += part.size();
  return count;
}

Precision native_precision() {
  const auto level = native_level();
  return level == "avx512bf16" || level == "amx" ? Precision::k_bf16 : Precision::k_f32;
}

Embedder::Embedder(Model model, Precision precision, std::size_t threads,
                   std::optional<std::size_t> max_memory, Engine engine, EncoderSource source)
    : m_model(std::move(model)),
      m_precision(precision),
      m_engine(engine),
      m_threads(std::max<std::size_t>(threads, 1)),
      m_dimension(m_model.manifest().dimension()),
      m_max_memory(max_memory),
      m_memory(m_model.manifest().encoder),
      m_source(std::move(source)) {}

Engine Embedder::engine() const {
  return m_engine == Engine::k_auto ? engines_for(m_model.manifest().encoder).front() : m_engine;
}

const Encoder& Embedder::encoder() {
  if (!m_encoder) {
    m_encoder = m_source ? m_source(m_model, m_precision, m_engine)
                         : m_model.make_encoder(m_precision, m_engine);
  }
  return *m_encoder;
}

void Embedder::cut_to(std::size_t dimension) {
  const ModelManifest& manifest = m_model.manifest();
  const auto& known = manifest.dimensions;
  if (dimension != manifest.dimension() && std::ranges::find(known, dimension) == known.end()) {
    std::string text;
    for (const std::size_t each : known) text += (text.empty() ? "" : ", ") + std::to_string(each);
    throw Error(ErrorKind::k_usage,
                "--dimensions " + std::to_string(dimension) + ": the model " + manifest.name +
                    " was not trained for it; " +
                    (text.empty() ? "leave the flag out" : "it was for " + text));
  }
  m_dimension = dimension;
}

Tokens Embedder::tokens_of(std::string_view text, const Prompt& prompt) const {
  const Tokenizer& tokenizer = m_model.tokenizer();
  const std::size_t window = m_model.manifest().window;
  return prompt.prefix.empty()
             ? tokenizer.tokenize(text, window)
             : tokenizer.tokenize(std::string(prompt.prefix).append(text), window);
}

std::vector<TokenizedText> Embedder::tokenize(std::span<const std::string_view> texts,
                                              const Prompt& prompt, LongText long_text) const {
  std::vector<TokenizedText> result;
  result.reserve(texts.size());
  for (const std::string_view text : texts) {
    Tokens tokens = tokens_of(text, prompt);
    TokenizedText& read = result.emplace_back();
    read.tokens = tokens.full_length;
    if (!tokens.truncated() || long_text == LongText::k_cut) {
      read.truncated = tokens.truncated();
      read.parts.push_back(std::move(tokens.ids));
      continue;
    }
    const auto parts = divide(text, prompt);
    if (!parts) continue;
    for (const std::string_view part : *parts) read.parts.push_back(tokens_of(part, prompt).ids);
  }
  return result;
}

std::optional<std::vector<std::string_view>> Embedder::divide(std::string_view text,
                                                              const Prompt& prompt) const {
  return divide_text(text, [this, &prompt](std::string_view part) {
    return !tokens_of(part, prompt).truncated();
  });
}

// As many as let every worker have a batch at a time.
std::size_t Embedder::batch_tokens(std::size_t budget) const noexcept {
  std::size_t tokens = k_most_batch_tokens;
  while (tokens > k_least_batch_tokens && m_memory.bytes(tokens, tokens) > budget / m_threads) {
    tokens /= 2;
  }
  return tokens;
}

void Embedder::refuse_too_long(std::span<const std::span<const TokenId>> parts) const {
  if (!m_max_memory) return;
  std::size_t longest = 0;
  for (const auto& part : parts) longest = std::max(longest, part.size());
  const std::size_t needed = m_memory.bytes(longest, longest);
  if (needed <= *m_max_memory) return;
  throw Error(ErrorKind::k_io, "--max-memory " + std::to_string(*m_max_memory) + ": a text of " +
                                   std::to_string(longest) + " tokens needs " +
                                   std::to_string((needed >> 20U) + 1) +
                                   "M; give at least that, or split texts smaller");
}

// Bytes that encoding may take. A question is a batch of the least size whatever there is, and to ask
// the system would take a good part of its time.
std::size_t Embedder::memory_for(std::span<const std::span<const TokenId>> parts) const {
  if (m_max_memory) return *m_max_memory;
  const std::size_t tokens = count_tokens(parts);
  return tokens <= k_least_batch_tokens ? m_memory.bytes(tokens, tokens) : available_memory() / 4;
}

// The vector of every part, in order.
std::optional<std::vector<float>> Embedder::encode_parts(
    std::span<const std::span<const TokenId>> parts, int task) {
  if (parts.empty()) return std::vector<float>{};
  refuse_too_long(parts);
  const Encoder& encoder = this->encoder();
  MemoryBudget budget(memory_for(parts));
  const std::size_t dimension = m_model.manifest().dimension();
  std::vector<float> result(parts.size() * dimension);
  const std::vector<Batch> batches =
      make_batches(parts, batch_tokens(budget.bytes()), m_threads);
  std::atomic<bool> stopped = false;
  run_parallel(batches.size(), m_threads, [&](std::size_t i) {
    if (pending_interrupt() != 0) stopped = true;
    if (stopped) return;
    const Batch& batch = batches[i];
    const MemoryBudget::Share share(budget, m_memory.bytes(batch.tokens, batch.longest));
    PackedTokens packed;
    for (std::size_t part = batch.begin; part < batch.end; ++part) {
      packed.append(parts[part]);
    }
    const std::vector<float> vectors = encoder.encode(packed, task);
    std::copy(vectors.begin(), vectors.end(),
              result.begin() + static_cast<std::ptrdiff_t>(batch.begin * dimension));
  });
  if (stopped) return std::nullopt;
  return result;
}

std::optional<std::vector<float>> Embedder::encode(std::span<const TokenizedText> texts,
                                                   const Prompt& prompt, VectorLength length) {
  const ModelManifest& manifest = m_model.manifest();
  const std::size_t dimension = manifest.dimension();
  std::vector<std::span<const TokenId>> parts;
  for (const TokenizedText& text : texts) {
    parts.insert(parts.end(), text.parts.begin(), text.parts.end());
  }
  auto vectors = encode_parts(parts, prompt.task);
  if (!vectors) return std::nullopt;
  const bool unit_wanted = length == VectorLength::k_unit || manifest.normalize;
  std::size_t first = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // In place: a text has a part or more, so its final vector lies before those of later ones.
    const std::size_t count = texts[i].parts.size();
    const auto vector = std::span(*vectors).subspan(first * dimension, dimension);
    const auto of_parts = std::span(*vectors).subspan(first * dimension, count * dimension);
    if (count > 1) average(of_parts, std::span(parts).subspan(first, count), vector);
    const bool cut = m_dimension < dimension;
    const bool is_unit = manifest.normalize && count == 1 && !cut;
    const auto final_vector = std::span(*vectors).subspan(i * m_dimension, m_dimension);
    if (final_vector.data() != vector.data()) {
      std::ranges::copy(vector.first(m_dimension), final_vector.begin());
    }
    if (unit_wanted && !is_unit) scale_to_unit(final_vector);
    first += count;
  }
  vectors->resize(texts.size() * m_dimension);
  return vectors;
}

std::optional<Embeddings> Embedder::embed(std::span<const std::string_view> texts,
                                          const Prompt& prompt, VectorLength length) {
  const std::vector<TokenizedText> tokenized = tokenize(texts, prompt, LongText::k_cut);
  auto vectors = encode(tokenized, prompt, length);
  if (!vectors) return std::nullopt;
  Embeddings result{.vectors = std::move(*vectors), .token_counts = {}, .truncated = {}};
  for (const TokenizedText& text : tokenized) {
    result.token_counts.push_back(static_cast<std::uint32_t>(text.tokens));
    result.truncated.push_back(text.truncated);
  }
  return result;
}

}  // namespace vecdb

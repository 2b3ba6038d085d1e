#include "pipeline/vector_plan.h"

#include <utility>

#include "base/interrupt.h"

namespace vecdb {

namespace {

// A document that cannot be encoded as asked.
struct Refused {
  std::string why;
};

// A part of a chunk stays one, whatever its text was before.
void note(ChunkRecord& record, std::uint32_t tokens, WindowFit fit) {
  record.tokens = tokens;
  if (record.fit != WindowFit::k_split) record.fit = fit;
}

}  // namespace

const RecentTexts::Text* RecentTexts::find(std::string_view text) const {
  const auto found = m_texts.find(std::string(text));
  return found == m_texts.end() ? nullptr : &found->second;
}

std::span<const float> RecentTexts::vector_of(const Text& text) const {
  return std::span(m_vectors).subspan(text.number * m_dimension, m_dimension);
}

VectorPlan::VectorPlan(Embedder& embedder, Overflow overflow, const StoreReader* stored,
                       const RecentTexts* recent)
    : m_embedder(embedder), m_overflow(overflow), m_stored(stored), m_recent(recent) {
  m_made.m_dimension = embedder.dimension();
}

std::optional<std::string> VectorPlan::add(NewDocument& document) {
  const std::size_t origins = m_origins.size();
  const std::size_t texts = m_texts.size();
  const std::uint64_t reused = m_reused;
  std::vector<ChunkRecord> chunks;
  try {
    for (ChunkRecord& record : document.chunks) {
      if (pending_interrupt() != 0) break;  // run() will be given up
      plan(record, chunks);
    }
  } catch (const Refused& refused) {
    m_origins.resize(origins);
    m_texts.resize(texts);
    m_reused = reused;
    std::erase_if(m_made.m_texts, [&](const auto& text) { return text.second.number >= texts; });
    return refused.why;
  }
  document.chunks = std::move(chunks);
  return std::nullopt;
}

void VectorPlan::plan(ChunkRecord record, std::vector<ChunkRecord>& chunks) {
  const Model& model = m_embedder.model();
  const auto refuse = [&](const std::string& why) {
    throw Refused{"the chunk at line " + std::to_string(record.chunk.line) + " " + why};
  };
  if (!reuse(record)) {
    TokenizedText text = tokenize_chunk(m_embedder, m_overflow, record);
    if (const auto why = refusal(text, m_overflow, model)) refuse(*why);
    if (text.truncated && m_overflow == Overflow::k_split) {
      // Those of a document that was at hand were divided when it was split.
      auto parts = divide_chunk(m_embedder, record.chunk, part_by_length);
      if (!parts) refuse(no_room(model));
      for (ChunkRecord& part : *parts) {
        if (!reuse(part)) encode(part, tokenize_chunk(m_embedder, m_overflow, part));
        chunks.push_back(std::move(part));
      }
      return;
    }
    encode(record, std::move(text));
  }
  chunks.push_back(std::move(record));
}

bool VectorPlan::reuse(ChunkRecord& record) {
  const std::string& text = record.chunk.text;
  if (const RecentTexts::Text* made = m_made.find(text)) {
    note(record, made->tokens, made->fit);
    m_origins.push_back({.number = made->number});
  } else if (const RecentTexts::Text* recent = m_recent ? m_recent->find(text) : nullptr) {
    const auto vector = m_recent->vector_of(*recent);
    note(record, recent->tokens, recent->fit);
    m_origins.push_back({.vector = {vector.begin(), vector.end()}});
  } else if (m_stored != nullptr) {
    for (const KnownText& known : m_stored->find_text(text)) {
      // A stored part fits as a whole text does.
      const WindowFit fit = known.fit == WindowFit::k_split ? WindowFit::k_whole : known.fit;
      if (!is_as_asked(fit, m_overflow)) continue;
      note(record, known.tokens, fit);
      m_origins.push_back({.vector = m_stored->vector_of(known.chunk)});
      ++m_reused;
      return true;
    }
    return false;
  } else {
    return false;
  }
  ++m_reused;
  return true;
}

void VectorPlan::encode(ChunkRecord& record, TokenizedText text) {
  const WindowFit fit = record.fit == WindowFit::k_split ? WindowFit::k_whole : record.fit;
  m_made.m_texts.emplace(
      record.chunk.text,
      RecentTexts::Text{.tokens = record.tokens, .fit = fit, .number = m_texts.size()});
  m_origins.push_back({.number = m_texts.size()});
  m_texts.push_back(std::move(text));
}

bool VectorPlan::run(std::span<NewDocument> documents) {
  auto vectors =
      m_embedder.encode(m_texts, m_embedder.model().manifest().passage, VectorLength::k_unit);
  if (!vectors) return false;
  m_made.m_vectors = std::move(*vectors);
  for (const TokenizedText& text : m_texts) m_tokens_read += text.tokens_read();
  auto origin = m_origins.begin();
  for (NewDocument& document : documents) {
    document.vectors.reserve(document.chunks.size() * m_embedder.dimension());
    for (std::size_t i = 0; i < document.chunks.size(); ++i, ++origin) {
      const auto vector = origin->vector.empty() ? m_made.vector_of({.number = origin->number})
                                                 : std::span<const float>(origin->vector);
      document.vectors.insert(document.vectors.end(), vector.begin(), vector.end());
    }
  }
  return true;
}

}  // namespace vecdb

#include "pipeline/overflow.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace vecdb {

namespace {

std::string tokens_text(std::size_t tokens) {
  return std::to_string(tokens) + (tokens == 1 ? " token" : " tokens");
}

std::string no_room(const Model& model) {
  return "cannot be divided: not one character of it fits into the model's window of " +
         tokens_text(model.manifest().window);
}

// The part of a chunk that begins at `offset` of its text.
Chunk part_of(const Chunk& chunk, std::size_t offset, std::string_view text) {
  Chunk part{.start = chunk.start, .end = chunk.end, .line = chunk.line, .text = std::string(text)};
  const bool is_verbatim = chunk.end - chunk.start == chunk.text.size();
  if (is_verbatim) {
    part.start += offset;
    part.end = part.start + text.size();
    const auto before = std::string_view(chunk.text).substr(0, offset);
    part.line += static_cast<std::uint64_t>(std::ranges::count(before, '\n'));
  }
  return part;
}

// Nothing when it cannot be divided.
std::optional<std::vector<ChunkRecord>> divide_chunk(const Embedder& embedder, const Chunk& chunk) {
  const auto parts = embedder.divide(chunk.text, embedder.model().manifest().passage);
  if (!parts) return std::nullopt;
  std::vector<ChunkRecord> records;
  std::size_t offset = 0;
  for (const std::string_view part : *parts) {
    records.push_back({.chunk = part_of(chunk, offset, part), .fit = WindowFit::k_split});
    offset += part.size();
  }
  return records;
}

TokenizedText tokenize_chunk(const Embedder& embedder, ChunkRecord& record, Overflow overflow) {
  const std::array texts{std::string_view(record.chunk.text)};
  auto tokenized =
      embedder.tokenize(texts, embedder.model().manifest().passage, long_text(overflow));
  TokenizedText& text = tokenized.front();
  record.tokens = static_cast<std::uint32_t>(text.tokens);
  if (text.truncated) record.fit = WindowFit::k_truncated;
  if (text.parts.size() > 1) record.fit = WindowFit::k_averaged;
  return std::move(text);
}

}  // namespace

LongText long_text(Overflow overflow) {
  return overflow == Overflow::k_mean ? LongText::k_average : LongText::k_cut;
}

std::optional<std::string> refusal(const TokenizedText& text, Overflow overflow,
                                   const Model& model) {
  if (text.parts.empty()) return no_room(model);
  if (overflow != Overflow::k_error || !text.truncated) return std::nullopt;
  return "has " + tokens_text(text.tokens) + ", and the model's window holds " +
         std::to_string(model.manifest().window);
}

std::optional<std::string> tokenize_chunks(const Embedder& embedder, Overflow overflow,
                                           std::vector<ChunkRecord>& chunks,
                                           std::vector<TokenizedText>& texts) {
  const std::size_t texts_before = texts.size();
  std::vector<ChunkRecord> result;
  const auto refuse = [&](const Chunk& chunk, const std::string& why) {
    texts.resize(texts_before);
    return "the chunk at line " + std::to_string(chunk.line) + " " + why;
  };
  for (ChunkRecord& record : chunks) {
    TokenizedText text = tokenize_chunk(embedder, record, overflow);
    if (auto why = refusal(text, overflow, embedder.model())) return refuse(record.chunk, *why);
    if (!text.truncated || overflow != Overflow::k_split) {
      result.push_back(std::move(record));
      texts.push_back(std::move(text));
      continue;
    }
    auto parts = divide_chunk(embedder, record.chunk);
    if (!parts) return refuse(record.chunk, no_room(embedder.model()));
    for (ChunkRecord& part : *parts) {
      texts.push_back(tokenize_chunk(embedder, part, overflow));
      result.push_back(std::move(part));
    }
  }
  chunks = std::move(result);
  return std::nullopt;
}

bool is_as_asked(const FitCounts& stored, Overflow overflow) {
  FitCounts others = stored;
  switch (overflow) {
    case Overflow::k_error:
      break;
    case Overflow::k_warn:
      others.truncated = 0;
      break;
    case Overflow::k_split:
      others.split = 0;
      break;
    case Overflow::k_mean:
      others.averaged = 0;
      break;
  }
  return others == FitCounts{};
}

}  // namespace vecdb

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

std::string no_room(const Model& model) {
  return "cannot be divided: not one character of it fits into the model's window of " +
         tokens_text(model.manifest().window);
}

TokenizedText tokenize_chunk(const Embedder& embedder, Overflow overflow, ChunkRecord& record) {
  const std::array texts{std::string_view(record.chunk.text)};
  auto tokenized =
      embedder.tokenize(texts, embedder.model().manifest().passage, long_text(overflow));
  TokenizedText& text = tokenized.front();
  record.tokens = static_cast<std::uint32_t>(text.tokens);
  if (text.truncated) record.fit = WindowFit::k_truncated;
  if (text.parts.size() > 1) record.fit = WindowFit::k_averaged;
  return std::move(text);
}

std::optional<std::vector<ChunkRecord>> divide_chunk(const Embedder& embedder, const Chunk& chunk,
                                                     const MakePart& part) {
  const auto texts = embedder.divide(chunk.text, embedder.model().manifest().passage);
  if (!texts) return std::nullopt;
  std::vector<ChunkRecord> records;
  std::size_t begin = 0;
  for (const std::string_view text : *texts) {
    const std::size_t end = begin + text.size();
    records.push_back({.chunk = part(chunk, begin, end), .fit = WindowFit::k_split});
    begin = end;
  }
  return records;
}

Chunk part_by_length(const Chunk& chunk, std::size_t begin, std::size_t end) {
  Chunk part = chunk;
  part.text = chunk.text.substr(begin, end - begin);
  if (chunk.end - chunk.start != chunk.text.size()) return part;
  part.start = chunk.start + begin;
  part.end = chunk.start + end;
  const std::string_view before = std::string_view(chunk.text).substr(0, begin);
  part.line += static_cast<std::uint64_t>(std::ranges::count(before, '\n'));
  return part;
}

bool is_too_long(const Embedder& embedder, std::string_view text) {
  return embedder.tokenize(std::array{text}, embedder.model().manifest().passage, LongText::k_cut)
      .front()
      .truncated;
}

bool is_as_asked(WindowFit stored, Overflow overflow) {
  switch (stored) {
    case WindowFit::k_whole:
      return true;
    case WindowFit::k_truncated:
      return overflow == Overflow::k_warn;
    case WindowFit::k_split:
      return overflow == Overflow::k_split;
    case WindowFit::k_averaged:
      return overflow == Overflow::k_mean;
  }
  return false;
}

bool is_as_asked(const FitCounts& stored, Overflow overflow) {
  return (stored.truncated == 0 || is_as_asked(WindowFit::k_truncated, overflow)) &&
         (stored.split == 0 || is_as_asked(WindowFit::k_split, overflow)) &&
         (stored.averaged == 0 || is_as_asked(WindowFit::k_averaged, overflow));
}

}  // namespace vecdb

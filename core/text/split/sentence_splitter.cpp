#include "text/split/sentence_splitter.h"

#include <optional>
#include <utility>

#include "text/split/piece_merger.h"
#include "text/split/text_boundaries.h"
#include "text/split/text_breaker.h"

namespace vecdb {

SentenceSplitter::SentenceSplitter(SplitterOptions options,
                                   std::shared_ptr<const TextMeasure> measure)
    : m_options(std::move(options)), m_measure(std::move(measure)) {}

void SentenceSplitter::split(std::string_view text, const ChunkSink& take) const {
  const TextMeasure* measure = m_measure.get();
  ChunkWriter chunks(text, take);
  PieceMerger merger(chunks, m_options, measure, {});
  std::optional<TextBreaker> breaker;
  TextBoundaries(TextUnit::k_sentence).split(text, [&](ByteRange sentence) {
    const std::size_t length = length_of(slice(text, sentence), measure);
    if (length <= *m_options.chunk_size) return merger.add({sentence}, length);
    merger.flush();
    if (!breaker) breaker.emplace(*m_options.chunk_size, measure);
    breaker->split(slice(text, sentence), [&](ByteRange part, std::size_t part_length) {
      merger.add({part.shifted(sentence.start)}, part_length);
    });
  });
  merger.flush();
}

}  // namespace vecdb

#include "model/tokenizer/subword_tokenizer.h"

#include <cassert>
#include <utility>

#include "model/tokenizer/id_collector.h"
#include "model/tokenizer/subword_file.h"

namespace vecdb {

namespace {

std::unique_ptr<const SubwordModel> make_model(BpeParts parts) {
  return std::make_unique<BpeModel>(parts);
}

std::unique_ptr<const SubwordModel> make_model(UnigramParts parts) {
  return std::make_unique<UnigramModel>(std::move(parts));
}

// Those that are looked for before or after normalisation; the latter as that leaves them.
AddedTokens select(const SubwordParts& parts, const StretchNormalizer& normalizer,
                   bool in_normalized) {
  std::vector<AddedToken> selected;
  for (AddedToken token : parts.added) {
    if (token.in_normalized != in_normalized) continue;
    if (in_normalized) token.content = normalizer.normalize(token.content);
    if (!token.content.empty()) selected.push_back(std::move(token));
  }
  return AddedTokens(std::move(selected));
}

class SubwordTokenizer final : public Tokenizer {
 public:
  explicit SubwordTokenizer(SubwordParts parts)
      : m_vocabulary_size(parts.tokens),
        m_opening(parts.opening),
        m_closing(parts.closing),
        m_normalizer(parts.normalizer),
        m_words(parts.words),
        m_raw(select(parts, m_normalizer, false)),
        m_normalized(select(parts, m_normalizer, true)),
        m_model(std::visit([](auto&& model) { return make_model(std::move(model)); },
                           std::move(parts.model))) {}

  Tokens tokenize(std::string_view text, std::size_t window) const override {
    assert(window >= 2);
    // Room for the closing token is set aside, so that a cut never reaches it.
    IdCollector ids(window - 1);
    ids.add(m_opening);
    const auto add_id = [&ids](TokenId id) { ids.add(id); };
    m_raw.split(
        text, [&](std::string_view stretch) { add_stretch(stretch, ids); }, add_id);
    Tokens tokens = ids.take();
    tokens.ids.push_back(m_closing);
    ++tokens.full_length;
    return tokens;
  }

  std::size_t vocabulary_size() const noexcept override { return m_vocabulary_size; }

 private:
  void add_stretch(std::string_view text, IdCollector& ids) const {
    std::string normalized;
    if (!m_normalizer.is_identity()) text = normalized = m_normalizer.normalize(text);
    const auto add_word = [&](std::string_view word) { m_model->add_word(word, ids); };
    m_normalized.split(
        text, [&](std::string_view stretch) { split_words(stretch, m_words, add_word); },
        [&ids](TokenId id) { ids.add(id); });
  }

  std::size_t m_vocabulary_size;
  TokenId m_opening;
  TokenId m_closing;
  StretchNormalizer m_normalizer;
  WordOptions m_words;
  AddedTokens m_raw;
  AddedTokens m_normalized;
  std::unique_ptr<const SubwordModel> m_model;
};

}  // namespace

std::unique_ptr<Tokenizer> make_subword_tokenizer(std::string_view file, const std::string& name) {
  return std::make_unique<SubwordTokenizer>(read_subword_file(file, name));
}

}  // namespace vecdb

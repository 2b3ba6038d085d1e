#include "model/tokenizer/wordpiece_tokenizer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/utf8.h"
#include "model/tokenizer/bert_characters.h"
#include "model/tokenizer/bert_normalizer.h"
#include "model/tokenizer/id_collector.h"
#include "model/tokenizer/wordpiece_vocabulary.h"

namespace vecdb {

namespace {

struct SpecialToken {
  std::string_view text;
  TokenId id = 0;
};

struct SpecialTokens {
  static constexpr std::size_t k_around = 2;  // [CLS] and [SEP]

  SpecialTokens(const WordPieceVocabulary& vocabulary, const std::string& name) {
    for (SpecialToken& token : all) {
      const auto id = vocabulary.find(token.text);
      if (!id) {
        throw Error(ErrorKind::k_model, name + ": not a BERT vocabulary: it lacks " +
                                            std::string(token.text) +
                                            "; take the model's own vocab.txt");
      }
      token.id = *id;
    }
  }

  // The one that `text` starts with.
  const SpecialToken* find_at(std::string_view text) const {
    const auto found = std::ranges::find_if(
        all, [text](const SpecialToken& token) { return text.starts_with(token.text); });
    return found == all.end() ? nullptr : &*found;
  }

  TokenId unknown() const { return all[1].id; }
  TokenId opening() const { return all[2].id; }
  TokenId closing() const { return all[3].id; }

  std::array<SpecialToken, 5> all{{{"[PAD]"}, {"[UNK]"}, {"[CLS]"}, {"[SEP]"}, {"[MASK]"}}};
};

// Collects one word; of a word that is too long only the start and the fact.
class Word {
 public:
  Word() { m_text.reserve(WordPieceVocabulary::k_max_word_bytes); }

  void append_ascii(char byte) {
    if (m_characters++ < k_max) m_text.push_back(byte);
  }
  void append(char32_t character) {
    if (m_characters++ < k_max) append_utf8(m_text, character);
  }
  bool empty() const { return m_characters == 0; }
  bool too_long() const { return m_characters > k_max; }
  const std::string& text() const { return m_text; }
  void clear() {
    m_text.clear();
    m_characters = 0;
  }

 private:
  static constexpr std::size_t k_max = WordPieceVocabulary::k_max_word_characters;

  std::string m_text;
  std::size_t m_characters = 0;
};

// The way of one text through BertNormalizer, BertPreTokenizer and WordPiece.
class Run {
 public:
  Run(const WordPieceVocabulary& vocabulary, const SpecialTokens& special,
      const WordPieceOptions& options, std::size_t window)
      : m_vocabulary(vocabulary),
        m_special(special),
        m_lower_case(options.letter_case == LetterCase::k_lower),
        m_normalizer(options),
        m_ids(window) {}

  void add_text(std::string_view text);
  void add_id(TokenId id) { m_ids.add(id); }
  Tokens take() { return m_ids.take(); }

 private:
  void add_ascii(char byte);
  void add_normalized();
  void end_stretch();
  void end_word();
  void add_pieces(std::string_view word);

  const WordPieceVocabulary& m_vocabulary;
  const SpecialTokens& m_special;
  const bool m_lower_case;
  BertNormalizer m_normalizer;
  std::u32string m_normalized;  // from the normalizer, not yet in m_word
  Word m_word;
  IdCollector m_ids;
};

void Run::add_text(std::string_view text) {
  for (std::size_t offset = 0; offset < text.size();) {
    if (static_cast<unsigned char>(text[offset]) >= 0x80) {
      m_normalizer.add(decode_code_point(text, offset), m_normalized);
      add_normalized();
      continue;
    }
    // Special tokens are looked for in the text as it is, before anything is normalised.
    const SpecialToken* special =
        text[offset] == '[' ? m_special.find_at(text.substr(offset)) : nullptr;
    if (special == nullptr) {
      add_ascii(text[offset++]);
    } else {
      end_stretch();
      m_ids.add(special->id);
      offset += special->text.size();
    }
  }
  end_stretch();
}

// What BertNormalizer and BertPreTokenizer do to an ASCII character, which is never a mark, without
// asking ICU.
enum class AsciiClass : std::uint8_t { k_word, k_upper, k_punctuation, k_space, k_dropped };

constexpr auto k_ascii_classes = [] {
  std::array<AsciiClass, 0x80> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      classes[c] = AsciiClass::k_space;
    } else if (c < ' ' || c == 0x7F) {
      classes[c] = AsciiClass::k_dropped;
    } else if (!alphanumeric) {
      classes[c] = AsciiClass::k_punctuation;
    } else if (c >= 'A' && c <= 'Z') {
      classes[c] = AsciiClass::k_upper;
    }
  }
  return classes;
}();

void Run::add_ascii(char byte) {
  const AsciiClass kind = k_ascii_classes[static_cast<unsigned char>(byte)];
  if (kind == AsciiClass::k_dropped) return;
  m_normalizer.finish(m_normalized);
  if (!m_normalized.empty()) add_normalized();
  if (kind == AsciiClass::k_word) {
    m_word.append_ascii(byte);
  } else if (kind == AsciiClass::k_upper) {
    m_word.append_ascii(m_lower_case ? static_cast<char>(byte - 'A' + 'a') : byte);
  } else {
    end_word();
    if (kind == AsciiClass::k_punctuation) {
      m_word.append_ascii(byte);
      end_word();
    }
  }
}

void Run::add_normalized() {
  for (const char32_t character : m_normalized) {
    if (is_bert_white_space(character)) {
      end_word();
    } else if (is_bert_punctuation(character)) {
      end_word();
      m_word.append(character);
      end_word();
    } else {
      m_word.append(character);
    }
  }
  m_normalized.clear();
}

void Run::end_stretch() {
  m_normalizer.finish(m_normalized);
  add_normalized();
  end_word();
}

void Run::end_word() {
  if (m_word.empty()) return;
  if (m_word.too_long()) {
    m_ids.add(m_special.unknown());
  } else {
    add_pieces(m_word.text());
  }
  m_word.clear();
}

// Greedy: the longest token from the left, then the longest that continues it. A word that is not
// covered to its end is unknown as a whole.
void Run::add_pieces(std::string_view word) {
  using Place = WordPieceVocabulary::Place;
  std::array<TokenId, WordPieceVocabulary::k_max_word_characters> pieces;
  std::size_t count = 0;
  for (std::size_t offset = 0; offset < word.size();) {
    const auto match = m_vocabulary.longest_match(word.substr(offset),
                                                  offset == 0 ? Place::k_first : Place::k_further);
    if (!match) return m_ids.add(m_special.unknown());
    pieces[count++] = match->id;
    offset += match->length;
  }
  for (const TokenId id : std::span(pieces).first(count)) m_ids.add(id);
}

class WordPieceTokenizer final : public Tokenizer {
 public:
  WordPieceTokenizer(std::string_view vocabulary, const std::string& name,
                     const WordPieceOptions& options)
      : m_vocabulary(vocabulary, name), m_special(m_vocabulary, name), m_options(options) {}

  Tokens tokenize(std::string_view text, std::size_t window) const override {
    assert(window >= SpecialTokens::k_around);
    // Room for the closing token is set aside, so that a cut never reaches it.
    Run run(m_vocabulary, m_special, m_options, window - 1);
    run.add_id(m_special.opening());
    run.add_text(text);
    Tokens tokens = run.take();
    tokens.ids.push_back(m_special.closing());
    ++tokens.full_length;
    return tokens;
  }

  std::size_t vocabulary_size() const noexcept override { return m_vocabulary.size(); }

 private:
  WordPieceVocabulary m_vocabulary;
  SpecialTokens m_special;
  WordPieceOptions m_options;
};

}  // namespace

std::unique_ptr<Tokenizer> make_wordpiece_tokenizer(std::string_view vocabulary,
                                                    const std::string& name,
                                                    const WordPieceOptions& options) {
  return std::make_unique<WordPieceTokenizer>(vocabulary, name, options);
}

}  // namespace vecdb

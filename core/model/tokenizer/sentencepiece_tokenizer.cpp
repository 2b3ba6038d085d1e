#include "model/tokenizer/sentencepiece_tokenizer.h"

#include <config.h>
#include <src/normalizer.h>
#include <src/unigram_model.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "base/utf8.h"
#include "model/tokenizer/id_collector.h"
#include "model/tokenizer/sentencepiece_model_check.h"

namespace vecdb {

namespace {

constexpr TokenId k_opening = 0;  // <s>
constexpr TokenId k_closing = 2;  // </s>
constexpr TokenId k_unknown = 3;
constexpr int k_unknown_piece = 0;      // in the file
constexpr std::size_t k_added_ids = 2;  // <pad> and <mask>, which the file does not hold
constexpr std::size_t k_part_bytes = 256U << 10U;

struct SpecialToken {
  std::string_view text;
  TokenId id = 0;
};

bool is_inside_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (is_inside_character(text[start])) --start;
    std::size_t offset = start;
    if (!u_isUWhiteSpace(static_cast<UChar32>(decode_code_point(text, offset)))) break;
    text = text.substr(0, start);
  }
  return text;
}

// Where the first part of a long text ends: behind white space, or else between two characters.
std::size_t end_of_part(std::string_view text) {
  if (text.size() <= k_part_bytes) return text.size();
  const std::size_t space = text.find_last_of(" \n", k_part_bytes - 1);
  if (space != std::string_view::npos) return space + 1;
  std::size_t end = k_part_bytes;
  while (is_inside_character(text[end])) --end;
  return end;
}

// Uses the library's normaliser and model without its SentencePieceProcessor: that one appends to
// one string for each unknown character of a run, in quadratic time, and keeps every piece's text.
class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(std::string_view model, const std::string& name)
      : m_name(name),
        m_pieces(check_sentencepiece_model(model, name)),
        m_proto(parse(model, name)),
        m_model(m_proto),
        m_normalizer(m_proto.normalizer_spec(), m_proto.trainer_spec()) {
    require(m_model.status());
    require(m_normalizer.status());
  }

  Tokens tokenize(std::string_view text, std::size_t window) const override {
    assert(window >= 2);
    // Room for the closing token is set aside, so that a cut never reaches it.
    IdCollector ids(window - 1);
    ids.add(k_opening);
    add_text(text, ids);
    Tokens tokens = ids.take();
    tokens.ids.push_back(k_closing);
    ++tokens.full_length;
    return tokens;
  }

  std::size_t vocabulary_size() const noexcept override { return m_pieces + k_added_ids; }

 private:
  static sentencepiece::ModelProto parse(std::string_view model, const std::string& name) {
    sentencepiece::ModelProto proto;
    if (!proto.ParseFromArray(model.data(), static_cast<int>(model.size()))) {
      refuse_sentencepiece_model(name, "it cannot be parsed");
    }
    return proto;
  }

  void require(const sentencepiece::util::Status& status) const {
    if (!status.ok()) refuse_sentencepiece_model(m_name, status.message());
  }

  void add_text(std::string_view text, IdCollector& ids) const {
    std::size_t start = 0;
    for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at)) {
      const SpecialToken* special = find_special(text.substr(at));
      if (special == nullptr) {
        ++at;
        continue;
      }
      const std::string_view stretch = text.substr(start, at - start);
      add_stretch(special->id == mask() ? without_trailing_space(stretch) : stretch, ids);
      ids.add(special->id);
      start = at += special->text.size();
    }
    add_stretch(text.substr(start), ids);
  }

  // What lies between special tokens; starts as if white space stood in front of it.
  void add_stretch(std::string_view text, IdCollector& ids) const {
    while (!text.empty()) {
      const std::size_t end = end_of_part(text);
      add_part(text.substr(0, end), ids);
      text.remove_prefix(end);
    }
  }

  void add_part(std::string_view text, IdCollector& ids) const {
    std::string normalized;
    std::vector<std::size_t> offsets;  // not needed, but the library fills it
    require(m_normalizer.Normalize(text, &normalized, &offsets));
    bool after_unknown = false;
    for (const auto& [piece, id] : m_model.Encode(normalized)) {
      const bool unknown = id == k_unknown_piece;
      if (!unknown) {
        ids.add(id + 1);
      } else if (!after_unknown) {
        ids.add(k_unknown);
      }
      after_unknown = unknown;
    }
  }

  TokenId mask() const { return static_cast<TokenId>(m_pieces + 1); }

  // The one that `text` starts with.
  const SpecialToken* find_special(std::string_view text) const {
    const auto found = std::ranges::find_if(
        m_special, [text](const SpecialToken& token) { return text.starts_with(token.text); });
    return found == m_special.end() ? nullptr : &*found;
  }

  std::string m_name;
  std::size_t m_pieces;
  sentencepiece::ModelProto m_proto;  // the two below refer to it
  sentencepiece::unigram::Model m_model;
  sentencepiece::normalizer::Normalizer m_normalizer;
  std::array<SpecialToken, 5> m_special = {{{"<s>", k_opening},
                                            {"<pad>", 1},
                                            {"</s>", k_closing},
                                            {"<unk>", k_unknown},
                                            {"<mask>", mask()}}};
};

}  // namespace

std::unique_ptr<Tokenizer> make_sentencepiece_tokenizer(std::string_view model,
                                                        const std::string& name) {
  try {
    return std::make_unique<SentencePieceTokenizer>(model, name);
  } catch (const Darts::Details::Exception& error) {
    refuse_sentencepiece_model(name, error.what());
  }
}

std::string sentencepiece_version() { return VERSION; }

}  // namespace vecdb

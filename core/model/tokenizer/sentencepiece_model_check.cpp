#include "model/tokenizer/sentencepiece_model_check.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <unordered_set>

#include "base/error.h"
#include "base/utf8.h"
#include "model/tokenizer/protobuf_reader.h"
#include "model/tokenizer/sentencepiece_charsmap.h"

namespace vecdb {

namespace {

constexpr std::size_t k_max_file_bytes = 256U << 20U;
constexpr std::size_t k_max_pieces = 1U << 21U;
constexpr std::size_t k_max_piece_bytes = 1024;

// Numbers as sentencepiece_model.proto gives them.
enum class PieceType : std::uint64_t { k_normal = 1, k_unknown = 2, k_control = 3, k_unused = 5 };
constexpr std::uint64_t k_unigram = 1;

struct SpecialPiece {
  std::string_view text;
  PieceType type;
};
constexpr std::array<SpecialPiece, 3> k_first_pieces = {{{"<unk>", PieceType::k_unknown},
                                                         {"<s>", PieceType::k_control},
                                                         {"</s>", PieceType::k_control}}};

struct Piece {
  std::string_view text;
  float score = 0;
  std::uint64_t type = static_cast<std::uint64_t>(PieceType::k_normal);
};

// The fields that may stand only once in a message.
class Once {
 public:
  void take(const ProtobufField& field) {
    const std::uint64_t bit = std::uint64_t{1} << field.number();
    if ((m_taken & bit) != 0) {
      throw ProtobufError{"field " + std::to_string(field.number()) + " stands twice"};
    }
    m_taken |= bit;
  }

 private:
  std::uint64_t m_taken = 0;
};

void expect_flag(const ProtobufField& field, bool expected, const char* what) {
  if ((field.varint() != 0) != expected) throw ProtobufError{what};
}

std::string type_name(std::uint64_t model_type) {
  constexpr std::array<const char*, 5> k_names = {"0", "UNIGRAM", "BPE", "WORD", "CHAR"};
  return model_type < k_names.size() ? k_names[model_type] : std::to_string(model_type);
}

Piece read_piece(std::string_view message) {
  Piece piece;
  Once once;
  ProtobufReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number() > 3) continue;
    once.take(*field);
    if (field->number() == 1) piece.text = field->bytes();
    if (field->number() == 2) piece.score = field->number_f32();
    if (field->number() == 3) piece.type = field->varint();
  }
  return piece;
}

void check_trainer(std::string_view message) {
  Once once;
  ProtobufReader reader(message);
  while (const auto field = reader.next()) {
    switch (field->number()) {
      case 3:
        once.take(*field);
        if (field->varint() != k_unigram) {
          throw ProtobufError{"its type is " + type_name(field->varint()) + ", not UNIGRAM"};
        }
        break;
      case 24:
        expect_flag(*field, false, "it puts white space behind words");
        break;
      case 35:
        expect_flag(*field, false, "it falls back to bytes");
        break;
      default:
        break;
    }
  }
}

void check_normalizer(std::string_view message) {
  Once once;
  ProtobufReader reader(message);
  while (const auto field = reader.next()) {
    switch (field->number()) {
      case 2:
        once.take(*field);
        if (field->bytes().empty()) break;
        if (const auto fault = find_charsmap_fault(field->bytes())) {
          throw ProtobufError{"the normaliser's map of characters is broken: " + *fault};
        }
        break;
      case 3:
        expect_flag(*field, true, "it puts no white space in front of a text");
        break;
      case 4:
        expect_flag(*field, true, "it keeps runs of white space");
        break;
      case 5:
        expect_flag(*field, true, "it does not write white space as U+2581");
        break;
      default:
        break;
    }
  }
}

class ModelCheck {
 public:
  std::size_t run(std::string_view file) {
    Once once;
    ProtobufReader reader(file);
    while (const auto field = reader.next()) {
      if (field->number() == 1) {
        add_piece(field->bytes());
      } else if (field->number() == 2) {
        once.take(*field);
        check_trainer(field->bytes());
      } else if (field->number() == 3) {
        once.take(*field);
        check_normalizer(field->bytes());
      }
    }
    if (m_texts.size() <= k_first_pieces.size()) throw ProtobufError{"it holds no pieces"};
    return m_texts.size();
  }

 private:
  void add_piece(std::string_view message) {
    const std::size_t index = m_texts.size();
    if (index == k_max_pieces) throw ProtobufError{"it holds too many pieces"};
    const std::string where = "piece " + std::to_string(index) + " ";
    const Piece piece = read_piece(message);
    if (piece.text.empty() || piece.text.size() > k_max_piece_bytes) {
      throw ProtobufError{where + "has " + std::to_string(piece.text.size()) + " bytes, not 1 … " +
                          std::to_string(k_max_piece_bytes)};
    }
    if (find_invalid_utf8(piece.text) || piece.text.find('\0') != std::string_view::npos) {
      throw ProtobufError{where + "is not UTF-8 without NUL"};
    }
    if (!std::isfinite(piece.score)) throw ProtobufError{where + "has a score that is not finite"};
    if (index < k_first_pieces.size()) {
      const SpecialPiece& wanted = k_first_pieces[index];
      if (piece.text != wanted.text || piece.type != static_cast<std::uint64_t>(wanted.type)) {
        throw ProtobufError{where + "is not " + std::string(wanted.text)};
      }
    } else {
      check_ordinary(piece, where);
    }
    if (!m_texts.insert(piece.text).second) throw ProtobufError{where + "stands twice"};
  }

  static void check_ordinary(const Piece& piece, const std::string& where) {
    // XLM-RoBERTa adds these two by itself; as pieces they would have two ids.
    if (piece.text == "<pad>" || piece.text == "<mask>") {
      throw ProtobufError{where + "is " + std::string(piece.text)};
    }
    if (piece.type != static_cast<std::uint64_t>(PieceType::k_normal) &&
        piece.type != static_cast<std::uint64_t>(PieceType::k_unused)) {
      throw ProtobufError{where + "is of the type " + std::to_string(piece.type) +
                          ", neither normal nor unused"};
    }
  }

  std::unordered_set<std::string_view> m_texts;
};

}  // namespace

std::size_t check_sentencepiece_model(std::string_view file, const std::string& name) {
  if (file.size() > k_max_file_bytes) refuse_sentencepiece_model(name, "it is too large");
  try {
    return ModelCheck().run(file);
  } catch (const ProtobufError& error) {
    refuse_sentencepiece_model(name, error.why);
  }
}

void refuse_sentencepiece_model(const std::string& name, const std::string& why) {
  throw Error(ErrorKind::k_model, name + ": not an XLM-RoBERTa SentencePiece model: " + why +
                                      "; take the model's own sentencepiece.bpe.model");
}

}  // namespace vecdb

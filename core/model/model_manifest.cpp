#include "model/model_manifest.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

namespace vecdb {

namespace {

constexpr std::uint64_t k_max_manifest_bytes = 16U << 20U;
constexpr std::uint64_t k_format = 1;
constexpr const char* k_sentencepiece_kind = "sentencepiece";

// One JSON object whose keys are asked for by name and type; at the end none may be left over.
class Fields {
 public:
  Fields(const Json& object, std::string where) : m_object(object), m_where(std::move(where)) {
    if (!object.is_object()) throw wrong("is not an object");
  }

  std::string text(const std::string& key) {
    const Json& value = take(key);
    if (!value.is_string()) throw wrong(key + " is not a string");
    return value.get<std::string>();
  }

  bool flag(const std::string& key) {
    const Json& value = take(key);
    if (!value.is_boolean()) throw wrong(key + " is not true or false");
    return value.get<bool>();
  }

  std::size_t count(const std::string& key, std::uint64_t least, std::uint64_t most) {
    const Json& value = take(key);
    // Unsigned as parsed: reading a negative number as unsigned would wrap without a word.
    if (!value.is_number_unsigned()) throw wrong(key + " is not a whole number");
    const auto number = value.get<std::uint64_t>();
    if (number < least || number > most) {
      throw wrong(key + " is " + std::to_string(number) + ", not in " + std::to_string(least) +
                  " … " + std::to_string(most));
    }
    return number;
  }

  const Json& array(const std::string& key) {
    const Json& value = take(key);
    if (!value.is_array()) throw wrong(key + " is not an array");
    return value;
  }

  const Json& object(const std::string& key) {
    const Json& value = take(key);
    if (!value.is_object()) throw wrong(key + " is not an object");
    return value;
  }

  void finish() const {
    for (const auto& [key, value] : m_object.items()) {
      if (!m_taken.contains(key)) throw wrong("the key " + key + " is not known");
    }
  }

  Error wrong(const std::string& why) const {
    return {ErrorKind::k_model, m_where + ": " + why + "; add the model again"};
  }

 private:
  const Json& take(const std::string& key) {
    m_taken.insert(key);
    const auto found = m_object.find(key);
    if (found == m_object.end()) throw wrong("the key " + key + " is missing");
    return *found;
  }

  const Json& m_object;
  std::string m_where;
  std::set<std::string> m_taken;
};

DType parse_dtype(const Fields& fields, const std::string& name) {
  for (const DType dtype : {DType::k_f32, DType::k_f16, DType::k_bf16}) {
    if (name == name_of(dtype)) return dtype;
  }
  throw fields.wrong("the dtype " + name + " is not known");
}

std::string choice(const Fields& fields, std::string value,
                   std::initializer_list<const char*> known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return value;
  throw fields.wrong("\"" + value + "\" is not known to this version of vecdb");
}

void read_tokenizer(ModelManifest& manifest, const Json& json, const std::string& where) {
  Fields fields(json, where + ": tokenizer");
  const auto kind = choice(fields, fields.text("kind"), {"wordpiece", k_sentencepiece_kind});
  manifest.tokenizer_file = fields.text("file");
  if (kind == k_sentencepiece_kind) {
    manifest.tokenizer_kind = TokenizerKind::k_sentencepiece;
  } else {
    manifest.wordpiece = {
        .letter_case = fields.flag("lower_case") ? LetterCase::k_lower : LetterCase::k_keep,
        .accents = fields.flag("strip_accents") ? Accents::k_strip : Accents::k_keep,
        .chinese_characters =
            fields.flag("split_chinese") ? ChineseCharacters::k_split : ChineseCharacters::k_keep};
  }
  fields.finish();
}

void read_files(ModelManifest& manifest, const Fields& fields, const Json& json) {
  for (const auto& [name, sha256] : json.items()) {
    if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
      throw fields.wrong("files: \"" + name + "\" is not a plain file name");
    }
    if (!sha256.is_string() || sha256.get<std::string>().size() != 64) {
      throw fields.wrong("files: " + name + ": is not a sha256");
    }
    manifest.files[name] = sha256.get<std::string>();
  }
  for (const std::string& name :
       {std::string(k_graph_file), std::string(k_weights_file), manifest.tokenizer_file}) {
    if (!manifest.files.contains(name)) throw fields.wrong("files: " + name + " is missing");
  }
}

void read_tensors(ModelManifest& manifest, const Json& json, const std::string& where) {
  for (const auto& [name, value] : json.items()) {
    Fields fields(value, where + ": tensors: " + name);
    ModelManifest::Tensor tensor;
    tensor.dtype = parse_dtype(fields, fields.text("dtype"));
    for (const auto& extent : fields.array("shape")) {
      if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > (1U << 30U)) {
        throw fields.wrong("the shape is not made of sizes");
      }
      tensor.shape.push_back(extent.get<std::int64_t>());
    }
    fields.finish();
    manifest.tensors[name] = std::move(tensor);
  }
}

// JinaBERT's checkpoints call themselves "bert". What tells the two apart is the table of
// positions, which JinaBERT has not (it has ALiBi): the name must agree with it.
void check_architecture(const ModelManifest& manifest, const Fields& fields) {
  const auto table = std::find_if(
      manifest.tensors.begin(), manifest.tensors.end(),
      [](const auto& tensor) { return tensor.first.ends_with("position_embeddings.weight"); });
  const bool has_table = table != manifest.tensors.end();
  if (has_table && manifest.architecture == "jina-bert") {
    throw fields.wrong("the architecture jina-bert has no tensor " + table->first);
  }
  if (!has_table && manifest.architecture != "jina-bert") {
    throw fields.wrong("the architecture " + manifest.architecture +
                       " has a tensor position_embeddings.weight, and these have none");
  }
}

void read_self_tests(ModelManifest& manifest, const Json& json, const std::string& where) {
  for (const auto& value : json) {
    Fields fields(value, where + ": self_test");
    ModelManifest::SelfTest test{.text = fields.text("text"), .vector = {}};
    for (const auto& number : fields.array("vector")) {
      if (!number.is_number() || !std::isfinite(number.get<float>())) {
        throw fields.wrong("a vector holds what is no number");
      }
      test.vector.push_back(number.get<float>());
    }
    if (test.vector.size() != manifest.dimension)
      throw fields.wrong("a vector has another dimension");
    fields.finish();
    manifest.self_tests.push_back(std::move(test));
  }
}

}  // namespace

ModelManifest read_manifest(const std::filesystem::path& folder) {
  const auto path = folder / "model.json";
  const std::string where = path.string();
  const Json json = parse_json(read_file(path, k_max_manifest_bytes), where, ErrorKind::k_model);
  Fields fields(json, where);
  fields.count("format", k_format, k_format);
  ModelManifest manifest;
  manifest.name = fields.text("name");
  manifest.architecture =
      choice(fields, fields.text("architecture"), {"bert", "jina-bert", "xlm-roberta"});
  manifest.dimension = fields.count("dimension", 1, 1U << 16U);
  manifest.window = fields.count("window", 3, 1U << 20U);
  manifest.vocabulary_size = fields.count("vocabulary_size", 1, 1U << 24U);
  manifest.pooling = choice(fields, fields.text("pooling"), {"mean", "cls"});
  manifest.normalize = fields.flag("normalize");
  manifest.query_prefix = fields.text("query_prefix");
  manifest.passage_prefix = fields.text("passage_prefix");
  manifest.licence = fields.text("licence");
  read_tokenizer(manifest, fields.object("tokenizer"), where);
  read_files(manifest, fields, fields.object("files"));
  read_tensors(manifest, fields.object("tensors"), where);
  check_architecture(manifest, fields);
  for (const auto& name : fields.array("ignored_tensors")) {
    if (!name.is_string()) throw fields.wrong("ignored_tensors holds what is no name");
    manifest.ignored_tensors.push_back(name.get<std::string>());
  }
  read_self_tests(manifest, fields.array("self_test"), where);
  fields.finish();
  return manifest;
}

std::string fingerprint_of(const ModelManifest& manifest) {
  Json identity = {
      {"architecture", manifest.architecture},
      {"dimension", manifest.dimension},
      {"window", manifest.window},
      {"pooling", manifest.pooling},
      {"normalize", manifest.normalize},
      {"query_prefix", manifest.query_prefix},
      {"passage_prefix", manifest.passage_prefix},
      {"weights", manifest.files.at(k_weights_file)},
      {"vocabulary", manifest.files.at(manifest.tokenizer_file)},
  };
  if (manifest.tokenizer_kind == TokenizerKind::k_sentencepiece) {
    identity["tokenizer"] = k_sentencepiece_kind;
  } else {
    const WordPieceOptions& options = manifest.wordpiece;
    identity["lower_case"] = options.letter_case == LetterCase::k_lower;
    identity["strip_accents"] = options.accents == Accents::k_strip;
    identity["split_chinese"] = options.chinese_characters == ChineseCharacters::k_split;
  }
  return sha256_hex(dump_json(identity));
}

}  // namespace vecdb

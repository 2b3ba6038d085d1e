#include "model/checkpoint/checkpoint_tokenizer.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/tokenizer/tokenizer_settings_json.h"
#include "sentencepiece_fixture.h"

using namespace vecdb;
using Catch::Matchers::Contains;

namespace fs = std::filesystem;

namespace {

using Ids = std::vector<TokenId>;

Json added_token(const std::string& content, TokenId id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json spec(const std::vector<std::string>& specials, Json model) {
  Json added = Json::array();
  for (const auto& each : specials)
    added.push_back(added_token(each, static_cast<TokenId>(added.size())));
  return {{"version", "1.0"},          {"truncation", nullptr}, {"padding", nullptr},
          {"added_tokens", added},     {"normalizer", nullptr}, {"pre_tokenizer", nullptr},
          {"post_processor", nullptr}, {"decoder", nullptr},    {"model", std::move(model)}};
}

Json place(const std::string& kind, const std::string& id) {
  return {{kind, {{"id", id}, {"type_id", 0}}}};
}

Json template_of(const std::string& first, TokenId first_id, const std::string& last,
                 TokenId last_id) {
  Json tokens = Json::object();
  tokens[first] = {{"id", first}, {"ids", {first_id}}, {"tokens", {first}}};
  tokens[last] = {{"id", last}, {"ids", {last_id}}, {"tokens", {last}}};
  return {{"type", "TemplateProcessing"},
          {"single",
           {place("SpecialToken", first), place("Sequence", "A"), place("SpecialToken", last)}},
          {"pair", Json::array()},
          {"special_tokens", tokens}};
}

const std::vector<std::string> k_specials = {"<s>", "<pad>", "</s>", "<unk>"};

// Characters a b c, with the merges ab and abc; ids from 4 on.
Json bpe() {
  Json vocabulary = Json::object();
  for (const char* token : {"<s>", "<pad>", "</s>", "<unk>", "a", "b", "c", "ab", "abc"}) {
    vocabulary[token] = vocabulary.size();
  }
  Json json = spec(k_specials, {{"type", "BPE"},
                                {"dropout", nullptr},
                                {"unk_token", "<unk>"},
                                {"continuing_subword_prefix", nullptr},
                                {"end_of_word_suffix", nullptr},
                                {"fuse_unk", false},
                                {"byte_fallback", false},
                                {"ignore_merges", false},
                                {"vocab", vocabulary},
                                {"merges", {"a b", "ab c"}}});
  json["normalizer"] = {{"type", "Lowercase"}};
  json["pre_tokenizer"] = {{"type", "WhitespaceSplit"}};
  json["post_processor"] = template_of("<s>", 0, "</s>", 2);
  return json;
}

Json unigram() {
  Json vocabulary = Json::array();
  for (const auto& each : k_specials) vocabulary.push_back({each, 0.0});
  vocabulary.push_back({"\u2581", -2.0});
  vocabulary.push_back({"a", -3.0});
  vocabulary.push_back(
      {"\u2581"
       "a",
       -2.5});
  Json json =
      spec(k_specials,
           {{"type", "Unigram"}, {"unk_id", 3}, {"vocab", vocabulary}, {"byte_fallback", false}});
  json["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}},
        {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", " "}}}}};
  json["pre_tokenizer"] = {{"type", "Metaspace"},
                           {"replacement", "\u2581"},
                           {"prepend_scheme", "always"},
                           {"split", true}};
  json["post_processor"] = {{"type", "RobertaProcessing"},
                            {"sep", {"</s>", 2}},
                            {"cls", {"<s>", 0}},
                            {"trim_offsets", true},
                            {"add_prefix_space", true}};
  return json;
}

Json wordpiece() {
  const std::vector<std::string> specials = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  Json vocabulary = Json::object();
  for (const auto& token : specials) vocabulary[token] = vocabulary.size();
  vocabulary["a"] = 5;
  vocabulary["##b"] = 6;
  Json json = spec(specials, {{"type", "WordPiece"},
                              {"unk_token", "[UNK]"},
                              {"continuing_subword_prefix", "##"},
                              {"max_input_chars_per_word", 100},
                              {"vocab", vocabulary}});
  json["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", true},
                        {"strip_accents", nullptr},
                        {"lowercase", true}};
  json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  json["post_processor"] = template_of("[CLS]", 2, "[SEP]", 3);
  return json;
}

// A checkout's folder and one for what is written.
class Checkout {
 public:
  Checkout() {
    std::string name = fs::temp_directory_path() / "vecdb_checkpoint_XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    m_folder = name;
    fs::create_directories(m_folder / "out");
  }
  ~Checkout() { fs::remove_all(m_folder); }
  Checkout(const Checkout&) = delete;
  Checkout& operator=(const Checkout&) = delete;

  Checkout& write(const std::string& name, const std::string& content) {
    std::ofstream(m_folder / name, std::ios::binary) << content;
    return *this;
  }
  Checkout& write(const Json& json) { return write("tokenizer.json", dump_json(json)); }

  CheckpointTokenizer read() const { return read_checkpoint_tokenizer(m_folder, m_folder / "out"); }
  std::string written(const std::string& name) const {
    return read_file(m_folder / "out" / name, 1 << 20);
  }

  void check_refused(const std::string& why) const {
    CAPTURE(why);
    try {
      read();
      FAIL_CHECK("was taken; expected: " << why);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::k_model);
      CHECK_THAT(error.what(), Contains(m_folder.string()) && Contains(why));
    }
    CHECK(fs::is_empty(m_folder / "out"));
  }

 private:
  fs::path m_folder;
};

Ids ids_of(const CheckpointTokenizer& read, const std::string& text) {
  return read.tokenizer->tokenize(text, std::numeric_limits<std::size_t>::max()).ids;
}

// The specification with the value at a JSON pointer set to another one.
struct Change {
  std::string at;
  Json value;
  std::string why;
};

void check_changes(const Json& json, const std::vector<Change>& changes) {
  for (const auto& [at, value, why] : changes) {
    CAPTURE(at, dump_json(value));
    Json changed = json;
    changed[Json::json_pointer(at)] = value;
    Checkout().write(changed).check_refused("tokenizer.json: " + why);
  }
}

const Json k_sequence_twice = {{"type", "Sequence"},
                               {"normalizers", {{{"type", "Lowercase"}}, {{"type", "Lowercase"}}}}};

}  // namespace

TEST_CASE("a tokenizer.json of each kind becomes the file of a model folder") {
  {
    Checkout checkout;
    checkout.write(bpe());
    const auto read = checkout.read();
    CHECK(dump_json(json_of(read.settings)) == R"({"kind":"subword","file":"tokenizer.vecdb"})");
    CHECK(read.tokenizer->vocabulary_size() == 9);
    CHECK(ids_of(read, "ABC aab x<pad>") == Ids{0, 8, 4, 7, 3, 1, 2});
    CHECK(checkout.written("tokenizer.vecdb").starts_with("vecdb tokenizer 1\n"));
  }
  {
    Checkout checkout;
    checkout.write(unigram());
    CHECK(ids_of(checkout.read(), "  a aa b ") == Ids{0, 6, 6, 5, 4, 3, 2});
  }
  {
    Checkout checkout;
    checkout.write(wordpiece());
    const auto read = checkout.read();
    CHECK(dump_json(json_of(read.settings)) ==
          R"({"kind":"wordpiece","file":"vocab.txt","lower_case":true,"strip_accents":true,)"
          R"("split_chinese":true})");
    CHECK(ids_of(read, "AB a") == Ids{2, 5, 6, 5, 3});
    CHECK(checkout.written("vocab.txt") == "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n");
  }
}

TEST_CASE("what model.json says of a tokenizer is read as it is written") {
  for (const TokenizerKind kind :
       {TokenizerKind::k_wordpiece, TokenizerKind::k_sentencepiece, TokenizerKind::k_subword}) {
    TokenizerSettings settings;
    settings.kind = kind;
    settings.file = "f";
    const Json json = json_of(settings);
    CHECK(json_of(tokenizer_settings_of(json, "m")) == json);
  }
}

TEST_CASE("each component that a BPE tokenizer.json may not have is refused by name") {
  check_changes(
      bpe(),
      {{"/surprise", 1, "the key surprise is not known"},
       {"/truncation", {{"direction", "Left"}}, "truncation: direction is \"Left\""},
       {"/normalizer", {{"type", "NFKC"}}, "normalizer: type is \"NFKC\""},
       {"/normalizer/surprise", 1, "normalizer: the key surprise"},
       {"/normalizer", k_sequence_twice, "normalizer: Lowercase stands behind"},
       {"/pre_tokenizer", {{"type", "Digits"}}, "pre_tokenizer: type is \"Digits\""},
       {"/pre_tokenizer",
        {{"type", "Sequence"},
         {"pretokenizers", {{{"type", "Whitespace"}}, {{"type", "WhitespaceSplit"}}}}},
        "pre_tokenizer: WhitespaceSplit stands behind"},
       {"/post_processor", nullptr, "post_processor puts no tokens"},
       {"/post_processor/type", "Other", "post_processor: type is \"Other\""},
       {"/post_processor/single/0", place("Sequence", "A"),
        "post_processor: single: the key SpecialToken is missing"},
       {"/post_processor/single/1", place("Sequence", "B"), "post_processor: single has no text A"},
       {"/post_processor/single/2/SpecialToken/type_id", 1,
        "post_processor: single: SpecialToken: type_id is 1"},
       {"/post_processor/single", Json::array(), "post_processor: single does not"},
       {"/post_processor/special_tokens/<s>/ids", {1}, "post_processor: the id of <s>"},
       {"/post_processor/special_tokens/<s>/ids",
        {0, 0},
        "post_processor: special_tokens: <s>: is not one token"},
       {"/added_tokens/0/rstrip", true, "added_tokens: rstrip of the token <s> is true"},
       {"/added_tokens/0/single_word", true, "added_tokens: single_word of the token <s>"},
       {"/added_tokens/1/content", "<s>",
        "added_tokens: the token \"<s>\" is empty or stands twice"},
       {"/added_tokens/1/id", 2, "added_tokens: the id of <pad> is 2, not 1"},
       {"/added_tokens/1/content", "<new>", "added_tokens: the id of <new> is 1, not 9"},
       {"/model/type", "WordLevel", "model: type is \"WordLevel\""},
       {"/model/dropout", 0.1, "model: dropout is 0.1"},
       {"/model/continuing_subword_prefix", "##", "model: continuing_subword_prefix is \"##\""},
       {"/model/end_of_word_suffix", "</w>", "model: end_of_word_suffix is \"</w>\""},
       {"/model/byte_fallback", true, "model: byte_fallback is true"},
       {"/model/ignore_merges", true, "model: ignore_merges is true"},
       {"/model/unk_token", nullptr, "model: unk_token is null"},
       {"/model/unk_token", "<other>", "model: unk_token is not in the vocabulary"},
       {"/model/vocab/a", 5, "model: vocab: the ids are not 0 … 8"},
       {"/model/vocab/a", 9, "model: vocab: the ids are not 0 … 8"},
       {"/model/vocab/a", -1, "model: vocab: the ids are not 0 … 8"},
       {"/model/merges/0", "a  b", "model: merges: \"a  b\" is not two tokens"},
       {"/model/merges/0", {"a"}, "model: merges: [\"a\"] is not two tokens"},
       {"/model/merges/0", "#version 1", "model: merges: \"#version 1\" is not two tokens"},
       {"/model/merges/1", "b c", "model: merges: \"b c\": \"bc\" is not in the vocabulary"},
       {"/model/merges/1", "a b", "model: merges: \"a b\" stands twice"},
       {"/model/surprise", 1, "model: the key surprise"}});
}

TEST_CASE("a byte-level vocabulary that lacks a byte of UTF-8 is refused") {
  Json json = bpe();
  json["model"]["unk_token"] = nullptr;
  json["pre_tokenizer"] = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  Checkout().write(json).check_refused("tokenizer.json: model: vocab: lacks \u0100, the byte 0");
  json["pre_tokenizer"].erase("add_prefix_space");
  Checkout().write(json).check_refused("pre_tokenizer: the key add_prefix_space is missing");
}

TEST_CASE("merges may be written as pairs") {
  Json json = bpe();
  json["model"]["merges"] = parse_json(R"([["a", "b"], ["ab", "c"]])", "merges", ErrorKind::k_io);
  Checkout checkout;
  checkout.write(json);
  CHECK(ids_of(checkout.read(), "abc ab") == Ids{0, 8, 7, 2});
}

TEST_CASE("each component that a Unigram tokenizer.json may not have is refused by name") {
  check_changes(
      unigram(),
      {{"/normalizer/normalizers/1/pattern", {{"String", "  "}}, "normalizer: Replace has another"},
       {"/normalizer/normalizers/1/content", "_", "normalizer: content is \"_\""},
       {"/normalizer/normalizers/0",
        {{"type", "Precompiled"}, {"precompiled_charsmap", "!"}},
        "normalizer: precompiled_charsmap is not in base 64"},
       {"/normalizer/normalizers/0",
        {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}},
        "normalizer: precompiled_charsmap is broken"},
       {"/pre_tokenizer/replacement", "_", "pre_tokenizer: replacement is \"_\""},
       {"/pre_tokenizer/prepend_scheme", "first", "pre_tokenizer: prepend_scheme is \"first\""},
       {"/pre_tokenizer/split", false, "pre_tokenizer: split is false"},
       {"/pre_tokenizer/add_prefix_space", false, "pre_tokenizer: add_prefix_space is false"},
       {"/post_processor/cls", {"<s>", 1}, "post_processor: the id of <s>"},
       {"/post_processor/sep", {"</s>"}, "post_processor: sep is not a token and its id"},
       {"/model/unk_id", 7, "model: unk_id is 7, not in 0 … 6"},
       {"/model/unk_id", nullptr, "model: unk_id is not a whole number"},
       {"/model/byte_fallback", true, "model: byte_fallback is true"},
       {"/model/vocab", Json::array(), "model: vocab is empty"},
       {"/model/vocab/5", {"a"}, "model: vocab holds what is not a piece and its score"},
       {"/model/vocab/5", {"", 0.0}, "model: vocab: the piece 5 has 0 bytes"},
       {"/model/vocab/5",
        {std::string(1025, 'a'), 0.0},
        "model: vocab: the piece 5 has 1025 bytes"},
       {"/model/vocab/5", {"<s>", 0.0}, "model: vocab: the token \"<s>\" stands twice"}});
}

TEST_CASE("each component that a WordPiece tokenizer.json may not have is refused by name") {
  check_changes(
      wordpiece(),
      {{"/normalizer/type", "Lowercase", "normalizer: type is \"Lowercase\""},
       {"/normalizer", nullptr, "normalizer: is not an object"},
       {"/normalizer/clean_text", false, "normalizer: clean_text is not true"},
       {"/normalizer/lowercase", "yes", "normalizer: lowercase is not true or false"},
       {"/normalizer/strip_accents", 1, "normalizer: strip_accents is not true or false"},
       {"/pre_tokenizer/type", "Whitespace", "pre_tokenizer: type is \"Whitespace\""},
       {"/post_processor", template_of("[SEP]", 3, "[CLS]", 2), "post_processor does not put"},
       {"/post_processor/special_tokens/[SEP]/ids", {4}, "post_processor does not put"},
       {"/added_tokens/4/content", "<new>", "added_tokens: the token <new> is not one of BERT's"},
       {"/added_tokens/4/normalized", true, "added_tokens: the token [MASK] is not one of BERT's"},
       {"/added_tokens/4/lstrip", true, "added_tokens: the token [MASK] is not one of BERT's"},
       {"/added_tokens/4/id", 5, "added_tokens: the id of [MASK] is not the vocabulary's"},
       {"/added_tokens", Json::array(), "added_tokens: lacks [PAD]"},
       {"/model/unk_token", "[PAD]", "model: unk_token is \"[PAD]\""},
       {"/model/continuing_subword_prefix", "@@", "model: continuing_subword_prefix is \"@@\""},
       {"/model/max_input_chars_per_word", 200, "model: max_input_chars_per_word is 200"},
       {"/model/vocab/a", 7, "model: vocab: the ids are not 0 … 6"},
       {"/model/vocab/a\nb", 7, "model: vocab holds \"a\\nb\""}});
}

TEST_CASE("files of a checkout that contradict one another are refused") {
  Checkout()
      .write(wordpiece())
      .write("vocab.txt", "[PAD]\n")
      .check_refused("vocab.txt: is not the vocabulary of tokenizer.json");
  Checkout()
      .write(wordpiece())
      .write("tokenizer_config.json", R"({"do_lower_case": false})")
      .check_refused("tokenizer_config.json: do_lower_case is false");
  Checkout()
      .write(wordpiece())
      .write("tokenizer_config.json", R"({"truncation_side": "left"})")
      .check_refused("tokenizer_config.json: truncation_side is \"left\"");
  Json cased = wordpiece();
  cased["normalizer"]["lowercase"] = false;
  Checkout keeps_case;
  const Ids cased_ids = ids_of(keeps_case.write(cased).read(), "A");
  Checkout lowered;  // sentence-transformers lower-cases before the tokenizer sees the text
  lowered.write(cased).write("sentence_bert_config.json", R"({"do_lower_case": true})");
  const auto tokenizer = lowered.read();
  CHECK(ids_of(tokenizer, "A") == ids_of(tokenizer, "a"));
  CHECK(ids_of(tokenizer, "A") != cased_ids);
  CHECK_NOTHROW(Checkout()
                    .write(wordpiece())
                    .write("sentence_bert_config.json", R"({"do_lower_case": true})")
                    .read());
}

TEST_CASE("vocab.txt without tokenizer.json needs a tokenizer_config.json that says everything") {
  const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n";
  const Json config = {{"tokenizer_class", "BertTokenizer"},
                       {"do_lower_case", true},
                       {"strip_accents", nullptr},
                       {"tokenize_chinese_chars", true},
                       {"cls_token", "[CLS]"},
                       {"sep_token", {{"content", "[SEP]"}}}};
  const auto write = [&](Checkout& checkout, const Json& json) -> Checkout& {
    return checkout.write("vocab.txt", vocabulary).write("tokenizer_config.json", dump_json(json));
  };
  Checkout sound;
  CHECK(ids_of(write(sound, config).read(), "A") == Ids{2, 5, 3});
  CHECK(sound.written("vocab.txt") == vocabulary);
  const std::vector<Change> changes = {
      {"/tokenizer_class", "RobertaTokenizer", "tokenizer_class is \"RobertaTokenizer\""},
      {"/do_basic_tokenize", false, "do_basic_tokenize is false"},
      {"/never_split", {"a"}, "never_split is [\"a\"]"},
      {"/cls_token", "<s>", "cls_token is not [CLS]"},
      {"/strip_accents", 1, "strip_accents is not true or false"}};
  for (const auto& [at, value, why] : changes) {
    Json changed = config;
    changed[Json::json_pointer(at)] = value;
    Checkout checkout;
    write(checkout, changed).check_refused("tokenizer_config.json: " + why);
  }
  for (const char* key :
       {"tokenizer_class", "do_lower_case", "strip_accents", "tokenize_chinese_chars"}) {
    Json changed = config;
    changed.erase(key);
    Checkout checkout;
    write(checkout, changed).check_refused(std::string("the key ") + key + " is missing");
  }
  Checkout lacking;
  write(lacking, config).write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n");
  lacking.check_refused("vocab.txt: not a BERT vocabulary: it lacks [MASK]");
}

TEST_CASE("a sentencepiece.bpe.model must agree with the tokenizer.json beside it") {
  const std::string model = k_first + piece("\u2581", -2) + piece("a", -3) +
                            piece(
                                "\u2581"
                                "a",
                                -2.5);
  Json json = unigram();
  json["normalizer"] = nullptr;
  {
    Checkout sound;
    sound.write(json).write("sentencepiece.bpe.model", model);
    const auto read = sound.read();
    CHECK(read.settings.kind == TokenizerKind::k_sentencepiece);
    CHECK(sound.written("sentencepiece.bpe.model") == model);
    CHECK(ids_of(read, "a") == Ids{0, 6, 2});
  }
  const std::vector<Change> changes = {
      {"/model/unk_id", 2, "model: unk_id is 2"},
      {"/model/vocab/5/0", "b", "model: vocab: the token 5 is not \"a\""},
      {"/model/vocab/5/1", -3.1, "model: vocab: the score of the token 5"},
      {"/model/vocab/7", {"<other>", 0.0}, "model: vocab: the token 7 is not \"<mask>\""},
      {"/model/vocab/0/0", "<unk>", "model: vocab: the token 0 is not \"<s>\""},
      {"/pre_tokenizer", {{"type", "Whitespace"}}, "pre_tokenizer: is not"},
      {"/post_processor/cls", {"<pad>", 1}, "post_processor does not put"}};
  for (const auto& [at, value, why] : changes) {
    Json changed = json;
    changed[Json::json_pointer(at)] = value;
    Checkout each;
    each.write(changed).write("sentencepiece.bpe.model", model);
    each.check_refused("tokenizer.json: " + why);
  }
  Checkout broken;
  broken.write(json).write("sentencepiece.bpe.model", "\xFF");
  broken.check_refused("sentencepiece.bpe.model: not an XLM-RoBERTa SentencePiece model");
}

TEST_CASE("a sentencepiece.bpe.model alone must be said to be XLM-RoBERTa's") {
  Checkout checkout;
  checkout.write("sentencepiece.bpe.model", k_pieces)
      .write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer"})")
      .check_refused("tokenizer_config.json: tokenizer_class is \"LlamaTokenizer\"");
  checkout.write("tokenizer_config.json", R"({"tokenizer_class": "XLMRobertaTokenizer"})");
  CHECK(checkout.read().tokenizer->vocabulary_size() == 10);
}

TEST_CASE("a tokenizer.json that is no sound JSON is refused") {
  Checkout().write("tokenizer.json", "{").check_refused("tokenizer.json: not valid JSON");
  Checkout().write("tokenizer.json", "[]").check_refused("tokenizer.json: is not an object");
  Checkout()
      .write("tokenizer.json", R"({"model": {}, "model": {}})")
      .check_refused("the key \"model\" stands twice");
}

#include "text/split/splitter.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "text/split/language_separators.h"
#include "text/split/unicode.h"

using vecdb::Chunk;
using vecdb::Error;
using vecdb::ErrorKind;
using vecdb::KeepSeparator;
using vecdb::make_splitter;
using vecdb::SeparatorKind;
using vecdb::SplitterKind;
using vecdb::SplitterOptions;
using vecdb::Whitespace;

namespace {

using Texts = std::vector<std::string>;

std::string read_data(const std::string& name) {
  return vecdb::read_file(std::string(VECDB_TEST_DATA) + "/" + name, 1U << 30U);
}

Texts texts_of(const std::vector<Chunk>& chunks) {
  Texts texts;
  for (const Chunk& chunk : chunks) texts.push_back(chunk.text);
  return texts;
}

Texts split(const std::string& text, const SplitterOptions& options) {
  return texts_of(make_splitter(options)->split(text));
}

SplitterOptions plain(std::string separator, std::size_t size, std::size_t overlap = 0) {
  SplitterOptions options;
  options.separators = {std::move(separator)};
  options.chunk_size = size;
  options.chunk_overlap = overlap;
  return options;
}

// Every piece a chunk of its own, as far as the size allows.
SplitterOptions regex(std::string separator, KeepSeparator keep = KeepSeparator::k_no) {
  SplitterOptions options = plain(std::move(separator), 1);
  options.separator_kind = SeparatorKind::k_regex;
  options.keep_separator = keep;
  options.whitespace = Whitespace::k_keep;
  return options;
}

template <typename Action>
std::string error_of(ErrorKind kind, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  return "";
}

std::string refusal(const SplitterOptions& options) {
  return error_of(ErrorKind::k_usage, [&] { make_splitter(options); });
}

// Of a text, by options that have a meaning.
std::string refusal(const SplitterOptions& options, const std::string& text) {
  const auto splitter = make_splitter(options);
  return error_of(ErrorKind::k_io, [&] { splitter->split(text); });
}

KeepSeparator keep_of(const vecdb::Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? KeepSeparator::k_start : KeepSeparator::k_no;
  return value == "start" ? KeepSeparator::k_start : KeepSeparator::k_end;
}

SplitterOptions options_of(const vecdb::Json& test) {
  SplitterOptions options;
  options.chunk_size = test["chunk_size"];
  options.chunk_overlap = test["chunk_overlap"];
  if (test["splitter"] == "recursive") {
    options.kind = SplitterKind::k_recursive;
    if (!test["separators"].is_null()) options.separators = test["separators"].get<Texts>();
  } else {
    options.separators = {test["separator"]};
    const bool is_regex = test["is_separator_regex"];
    options.separator_kind = is_regex ? SeparatorKind::k_regex : SeparatorKind::k_plain;
  }
  options.keep_separator = keep_of(test["keep_separator"]);
  options.whitespace =
      test["strip_whitespace"].get<bool>() ? Whitespace::k_strip : Whitespace::k_keep;
  return options;
}

void check_ranges(const std::string& text, const SplitterOptions& options) {
  const bool is_source =
      options.keep_separator != KeepSeparator::k_no || options.separators == Texts{""};
  for (const Chunk& chunk : make_splitter(options)->split(text)) {
    REQUIRE(chunk.start < chunk.end);
    REQUIRE(chunk.end <= text.size());
    const std::string source = text.substr(chunk.start, chunk.end - chunk.start);
    CHECK_FALSE(vecdb::find_invalid_utf8(source));
    if (is_source) CHECK(source == chunk.text);
    const auto before = text.substr(0, chunk.start);
    CHECK(chunk.line ==
          1U + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')));
  }
}

}  // namespace

TEST_CASE("chunks are those of LangChain's splitters") {
  const auto golden = vecdb::parse_json(read_data("splitters.json"), "golden", ErrorKind::k_usage);
  std::map<std::string, std::size_t> cases;
  for (const auto& test : golden["cases"]) {
    const SplitterOptions options = options_of(test);
    INFO(vecdb::dump_json(test));
    CHECK(split(test["text"], options) == test["chunks"].get<Texts>());
    check_ranges(test["text"], options);
    ++cases[test["splitter"]];
  }
  CHECK(cases == std::map<std::string, std::size_t>{{"character", 135}, {"recursive", 65}});
}

TEST_CASE("a language's separators are LangChain's") {
  const auto golden =
      vecdb::parse_json(read_data("language_separators.json"), "golden", ErrorKind::k_usage);
  std::vector<std::string> names;
  for (const auto& [name, separators] : golden.items()) {
    INFO(name);
    CHECK(vecdb::separators_of_language(name) == separators.get<Texts>());
    names.push_back(name);
  }
  CHECK(vecdb::known_languages() == names);
  CHECK(vecdb::separators_of_language("klingon").empty());
}

TEST_CASE("the State of the Union gives the 42 chunks of the reference") {
  const auto golden =
      vecdb::parse_json(read_data("seed_example.json"), "golden", ErrorKind::k_usage);
  const std::string text = read_data("state_of_the_union.txt");
  const auto chunks = make_splitter(SplitterOptions{})->split(text);
  REQUIRE(chunks.size() == 42);
  REQUIRE(golden["chunks"].size() == 42);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    CHECK(vecdb::sha256_hex(chunks[i].text) == golden["chunks"][i]["sha256"]);
    CHECK(vecdb::count_code_points(chunks[i].text) == golden["chunks"][i]["chars"]);
  }
}

SplitterOptions recursive(Texts separators, std::size_t size, std::size_t overlap = 0) {
  SplitterOptions options;
  options.kind = SplitterKind::k_recursive;
  options.separators = std::move(separators);
  options.chunk_size = size;
  options.chunk_overlap = overlap;
  return options;
}

TEST_CASE("a text without content has no chunks") {
  CHECK(split("", plain("\n\n", 10)).empty());
  CHECK(split(" \n\t\u3000\n\n ", plain("\n\n", 10)).empty());
  CHECK(split("", plain("", 10)).empty());
  CHECK(split("", regex("\\s+")).empty());
  CHECK(make_splitter(regex("a"))->split(std::string_view()).empty());
  CHECK(split("xxx", plain("x", 10)).empty());
}

TEST_CASE("an empty text may lie nowhere") {
  CHECK(make_splitter(plain(" ", 5))->split(std::string_view()).empty());
  CHECK(make_splitter(plain("", 5))->split(std::string_view()).empty());
  CHECK(make_splitter(regex(" "))->split(std::string_view()).empty());
}

TEST_CASE("a piece longer than the size is kept whole") {
  CHECK(split("abcdef gh", plain(" ", 3)) == Texts{"abcdef", "gh"});
}

TEST_CASE("lengths are code points, the separator's too") {
  CHECK(split("éé👩👩漢", plain("", 2)) == Texts{"éé", "👩👩", "漢"});
  CHECK(split("a→b→c", plain("→", 3)) == Texts{"a→b", "c"});
}

TEST_CASE("overlap carries whole pieces into the next chunk") {
  CHECK(split("a b c d e", plain(" ", 5, 3)) == Texts{"a b c", "b c d", "c d e"});
  CHECK(split("a b c", plain(" ", 3, 3)) == Texts{"a b", "b c"});
  CHECK(split("abcde", plain("", 3, 2)) == Texts{"abc", "bcd", "cde"});
}

TEST_CASE("a kept separator stands at the start or at the end of a piece") {
  SplitterOptions options = plain(". ", 3);
  options.whitespace = Whitespace::k_keep;
  options.keep_separator = KeepSeparator::k_start;
  CHECK(split("a. b. c", options) == Texts{"a", ". b", ". c"});
  options.keep_separator = KeepSeparator::k_end;
  CHECK(split("a. b. c", options) == Texts{"a. ", "b. ", "c"});
}

TEST_CASE("the longest possible run of separators is read from the left") {
  SplitterOptions options = plain("aa", 1);
  options.keep_separator = KeepSeparator::k_end;
  CHECK(split("aaabaab", options) == Texts{"aa", "abaa", "b"});
}

TEST_CASE("a range covers separators that the joined text has only once") {
  const auto chunks = make_splitter(plain("\n\n", 10))->split("a\n\n\n\nb");
  REQUIRE(chunks.size() == 1);
  CHECK(chunks[0] == Chunk{.start = 0, .end = 6, .line = 1, .text = "a\n\nb"});
}

TEST_CASE("a stripped chunk begins and ends at its first and last kept byte") {
  const auto chunks = make_splitter(plain("x", 3))->split("\n \u00a0a\u3000x \nb\x1c");
  REQUIRE(chunks.size() == 2);
  CHECK(chunks[0] == Chunk{.start = 4, .end = 5, .line = 2, .text = "a"});
  CHECK(chunks[1] == Chunk{.start = 11, .end = 12, .line = 3, .text = "b"});
}

TEST_CASE("stripping may cut a separator in two") {
  const auto chunks = make_splitter(plain(" x", 10))->split(" \n x x x b");
  REQUIRE(chunks.size() == 1);
  CHECK(chunks[0] == Chunk{.start = 7, .end = 10, .line = 2, .text = "x b"});
  const auto alone = make_splitter(plain("x", 10))->split(" xx ");
  REQUIRE(alone.size() == 1);
  CHECK(alone[0] == Chunk{.start = 1, .end = 2, .line = 1, .text = "x"});
}

TEST_CASE("white space is Python's, not Unicode's") {
  CHECK(split("\x1c\x1f\u0085\u2028 a\u200b", plain("x", 9)) == Texts{"a\u200b"});
  CHECK(split("\u180ea\ufeff", plain("x", 9)) == Texts{"\u180ea\ufeff"});
  CHECK(split("a\x1c\u0085b\u180ec", regex("\\s+")) == Texts{"a", "b\u180ec"});
  CHECK(split("a\x1c b", regex("(?a)\\s+")) == Texts{"a\x1c", "b"});
}

TEST_CASE("pieces of a regular expression are joined by the expression itself") {
  SplitterOptions options = regex("[,;]");
  options.chunk_size = 20;
  const auto chunks = make_splitter(options)->split("a,b;c");
  REQUIRE(chunks.size() == 1);
  CHECK(chunks[0] == Chunk{.start = 0, .end = 5, .line = 1, .text = "a[,;]b[,;]c"});
}

TEST_CASE("a separator that begins with a lookaround is not put back") {
  for (const char* separator : {"(?=b)", "(?<=a)", "(?<!b)(?=b)", "(?!a)b?"}) {
    SplitterOptions options = regex(separator);
    options.chunk_size = 20;
    INFO(separator);
    CHECK(split("ab", options).front().find('(') == std::string::npos);
  }
  CHECK(split("Ab Cd", regex("(?=[A-Z])")) == Texts{"Ab ", "Cd"});
}

TEST_CASE("empty matches split as in Python") {
  CHECK(split("abc", regex("x*")) == Texts{"a", "b", "c"});
  CHECK(split("axbc", regex("x*")) == Texts{"a", "b", "c"});
  CHECK(split("ab cd", regex("\\b")) == Texts{"ab", " ", "cd"});
  CHECK(split("a\nb\n", regex("(?m)^")) == Texts{"a\n", "b\n"});
  CHECK(split("a\nb\n", regex("$")) == Texts{"a\nb", "\n"});
  CHECK(split("a\nb\n", regex("\\Z")) == Texts{"a\nb\n"});
  CHECK(split("abc", regex("|b")) == Texts{"a", "c"});
}

TEST_CASE("groups of the expression become pieces") {
  CHECK(split("a1b2", regex("(\\d)")) == Texts{"a", "1", "b", "2"});
  CHECK(split("axby", regex("(x)|(y)")) == Texts{"a", "x", "b", "y"});
}

TEST_CASE("with a kept separator the list is paired as Python pairs it") {
  // re.split("((\\d))", "a1b2c") is a 1 1 b 2 2 c: seven elements
  CHECK(split("a1b2c", regex("(\\d)", KeepSeparator::k_end)) == Texts{"a1", "1b", "22", "c"});
  CHECK(split("a1b2c", regex("(\\d)", KeepSeparator::k_start)) == Texts{"a", "11", "b2", "2c"});
  // … and of "a1b" a 1 1 b: four, where LangChain adds the last one twice or runs off the end
  CHECK(split("a1b", regex("(\\d)", KeepSeparator::k_end)) == Texts{"a1", "1b", "b", "b"});
  CHECK(refusal(regex("(\\d)", KeepSeparator::k_start), "a1b").find("leave one over") !=
        std::string::npos);
  CHECK_FALSE(refusal(regex("(a)|(b)", KeepSeparator::k_end), "a").empty());
}

TEST_CASE("with a kept separator groups are counted from the parentheses around it") {
  // re.split("((a)\\2)", "xaay") is x aa a y
  CHECK(split("xaay", regex("(a)\\2", KeepSeparator::k_end)) == Texts{"xaa", "ay", "y", "y"});
  CHECK_FALSE(refusal(regex("(a)\\1", KeepSeparator::k_end)).empty());
  CHECK_FALSE(refusal(regex("(?i)a", KeepSeparator::k_end)).empty());
  CHECK(split("xay", regex("(?i:A)", KeepSeparator::k_end)) == Texts{"xa", "y"});
}

TEST_CASE("escapes are Python's") {
  for (const char* separator : {"\\x7c", "\\u007c", "\\U0000007C", "\\174", "\\|", "[\\174]"}) {
    INFO(separator);
    CHECK(split("a|b", regex(separator)) == Texts{"a", "b"});
  }
  CHECK(split(std::string("a\0b", 3), regex("\\0")) == Texts{"a", "b"});
  CHECK(split("a👩b", regex("\\U0001F469")) == Texts{"a", "b"});
  CHECK(split("a\bb", regex("[\\b]")) == Texts{"a", "b"});
  CHECK(split("a{b", regex("{")) == Texts{"a", "b"});
  CHECK(split("xaa", regex("a{,1}a{}|a")) == Texts{"x"});
}

TEST_CASE("case is ignored as in Python") {
  CHECK(split("aıb", regex("(?i)I")) == Texts{"a", "b"});
  CHECK(split("aſb\u212ac", regex("(?i)[sk]")) == Texts{"a", "b", "c"});
  CHECK(split("a\u212ab", regex("(?ai)k")) == Texts{"a\u212ab"});
  CHECK(split("xANDy", regex("(?i)and")) == Texts{"x", "y"});
}

TEST_CASE("character sets are Python's") {
  CHECK(split("a]b", regex("[]]")) == Texts{"a", "b"});
  CHECK(split("a[:b", regex("[[:]")) == Texts{"a", "b"});
  CHECK(split("a b\nc", regex("[^\\S\\n]")) == Texts{"a", "b\nc"});
  CHECK(split("a&b", regex("[x&&y]")) == Texts{"a", "b"});
  CHECK(split("a--b", regex("[+--]+")) == Texts{"a", "b"});
}

TEST_CASE("what Python refuses is refused") {
  for (const char* separator : {"(",
                                ")",
                                "[a",
                                "*",
                                "a**",
                                "\\h",
                                "\\K",
                                "\\R",
                                "\\p{L}",
                                "\\z",
                                "\\",
                                "(?<=a+)",
                                "\\1",
                                "(a\\1)",
                                "^*",
                                "a(?i)b",
                                "(?P<1>a)",
                                "(?P=n)",
                                "(?L)a",
                                "a{2,1}",
                                "[b-a]",
                                "\\x1",
                                "\\777",
                                "(?|a)",
                                "(?R)",
                                "(?<n>a)",
                                "(*UTF)",
                                "(?(1)a)",
                                "(?au)a",
                                "[\\d-z]",
                                "\\N{DIGIT ONE}x"}) {
    INFO(separator);
    CHECK_FALSE(refusal(regex(separator)).empty());
  }
}

TEST_CASE("what PCRE2 cannot do alike is refused") {
  for (const char* separator :
       {"(?i)(a)\\1", "(?a:\\W)", "(a*)*", "(?:a??|ab){,2}", "(ab)*+", "a{70000}"}) {
    INFO(separator);
    CHECK_FALSE(refusal(regex(separator)).empty());
  }
  CHECK(refusal(regex(std::string(5000, '('))).find("nested too deep") != std::string::npos);
}

TEST_CASE("possessive and atomic parts work") {
  CHECK(split("aab ab", regex("a++b")) == Texts{" "});
  CHECK(split("aab", regex("(?>a+)b")).empty());
}

TEST_CASE("an expression that takes for ever is stopped") {
  CHECK(refusal(regex("(?:a|a)+$|(?:a+)+$"), std::string(60, 'a') + "b").find("takes too long") !=
        std::string::npos);
}

TEST_CASE("groups that cannot be put together are the separator's fault") {
  const SplitterOptions options = regex("(\n)|( )", KeepSeparator::k_start);
  CHECK(refusal(options, "a b").find(R"x(--separator "(\n)|( )": its groups are empty)x") == 0);
  CHECK(refusal(regex("(a)b", KeepSeparator::k_start), "abc").find("leave one over") !=
        std::string::npos);
}

TEST_CASE("a long piece is split again at the separators that follow") {
  CHECK(split("a b\n\nccc ddd eee\n\nf", recursive({}, 8)) == Texts{"a b", "ccc ddd", "eee", "f"});
  CHECK(split("abcdefg", recursive({}, 3)) == Texts{"abc", "def", "g"});
  // A kept separator counts, and what leads a long piece stays in front of its first part.
  CHECK(split("a-bbbb-c", recursive({"-", ""}, 3)) == Texts{"a", "-bb", "bb", "-c"});
}

TEST_CASE("the first separator that occurs is the one, whatever stands before it") {
  CHECK(split("a.b c", recursive({"x", " ", "."}, 3)) == Texts{"a.b", "c"});
  CHECK(split("abc", recursive({"x", "y"}, 2)) == Texts{"abc"});
  CHECK(split("a b", recursive({"", " "}, 1)) == Texts{"a", " ", "b"});
}

TEST_CASE("a piece as long as the size is split again if it can be, and else kept as it stands") {
  CHECK(split("a b-c d", recursive({"-", " "}, 3)) == Texts{"a b", "-c", "d"});
  CHECK(split("xx- yy ", recursive({"-"}, 3)) == Texts{"xx", "- yy "});
}

TEST_CASE("nothing overlaps with a piece that was split again") {
  CHECK(split("a b cccc d", recursive({" "}, 4, 3)) == Texts{"a b", " cccc", "d"});
}

TEST_CASE("each level joins with its own separator") {
  SplitterOptions options = recursive({"\n", "-"}, 5);
  options.keep_separator = KeepSeparator::k_no;
  CHECK(split("a\nb\nc-d-e-f-g", options) == Texts{"a\nb", "c-d-e", "f-g"});
  options = recursive({"(?=b)", ""}, 3);
  options.separator_kind = SeparatorKind::k_regex;
  options.keep_separator = KeepSeparator::k_no;
  options.chunk_size = 20;
  CHECK(split("abab", options) == Texts{"a(?=b)ba(?=b)b"});
}

TEST_CASE("a part is searched as a text of its own") {
  SplitterOptions options = recursive({"-", "^b", ""}, 2);
  options.separator_kind = SeparatorKind::k_regex;
  options.keep_separator = KeepSeparator::k_no;
  CHECK(split("a-bcc", options) == Texts{"a", "cc"});
}

TEST_CASE("a piece of two stretches is split as one text and found again in the source") {
  // re.split("((a)(x)?)", …) pairs each separator's groups with what does not lie beside them
  SplitterOptions options = recursive({"((a)b)", "c"}, 2);
  options.separator_kind = SeparatorKind::k_regex;
  options.keep_separator = KeepSeparator::k_end;
  const std::string text = "12cc34ab5678";
  for (const Chunk& chunk : make_splitter(options)->split(text)) {
    CHECK(chunk.start < chunk.end);
    CHECK(chunk.end <= text.size());
  }
}

TEST_CASE("chunks are handed out as they are found") {
  const auto splitter = make_splitter(plain(" ", 2));
  std::size_t taken = 0;
  const auto take_two = [&](const Chunk&) {
    if (++taken == 2) throw std::runtime_error("enough");
  };
  CHECK_THROWS_WITH(splitter->split("aa bb cc", take_two), "enough");
  CHECK(taken == 2);
}

TEST_CASE("ranges and lines are those of the whole text") {
  const auto chunks = make_splitter(recursive({}, 4))->split("ab\n\ncd ef\ngh");
  CHECK(chunks == std::vector<Chunk>{{.start = 0, .end = 2, .line = 1, .text = "ab"},
                                     {.start = 4, .end = 6, .line = 3, .text = "cd"},
                                     {.start = 7, .end = 9, .line = 3, .text = "ef"},
                                     {.start = 10, .end = 12, .line = 4, .text = "gh"}});
}

TEST_CASE("a language is for the recursive splitter, and in place of separators") {
  SplitterOptions options = recursive({}, 10);
  options.language = "markdown";
  CHECK(split("a\n# b\n```\nc", options) == Texts{"a", "# b\n```\nc"});
  CHECK(refusal(recursive({}, 10)).empty());
  options.separators = {"x"};
  CHECK(refusal(options).find("--language markdown: has separators of its own") == 0);
  options.separators.clear();
  options.language = "klingon";
  CHECK(refusal(options).find("--language klingon: is not known") == 0);
  options.language = "c";
  options.kind = SplitterKind::k_character;
  CHECK(refusal(options).find("--language c: has a meaning for --splitter recursive only") == 0);
}

TEST_CASE("the character splitter has one separator") {
  SplitterOptions options = recursive({"a", "b"}, 10);
  options.kind = SplitterKind::k_character;
  CHECK(refusal(options).find("--separator: is given 2 times") == 0);
  CHECK(refusal(recursive(Texts(1001, "a"), 10)).find("--separator: is given 1001 times") == 0);
}

SplitterOptions sentences(std::size_t size, std::size_t overlap = 0) {
  SplitterOptions options;
  options.kind = SplitterKind::k_sentence;
  options.chunk_size = size;
  options.chunk_overlap = overlap;
  return options;
}

TEST_CASE("whole sentences are packed up to the size") {
  const std::string text = "One. Two two! Is it 3.5? Yes.\nMr. e ends";
  CHECK(split(text, sentences(14)) == Texts{"One. Two two!", "Is it 3.5?", "Yes.", "Mr. e ends"});
  CHECK(split(text, sentences(1000)) == Texts{text});
  CHECK(split("東京。京都。大阪", sentences(6)) == Texts{"東京。京都。", "大阪"});
  CHECK(split("", sentences(5)).empty());
  CHECK(split(" \n ", sentences(5)).empty());
}

TEST_CASE("sentences overlap by whole sentences") {
  CHECK(split("A b. C d. E f.", sentences(10, 5)) == Texts{"A b. C d.", "C d. E f."});
  CHECK(split("A b. C d. E f.", sentences(10, 4)) == Texts{"A b. C d.", "E f."});
}

TEST_CASE("a sentence over the size is cut where a line may be broken, else between graphemes") {
  CHECK(split("A. Bbb ccc ddd. E.", sentences(8)) == Texts{"A.", "Bbb ccc", "ddd. E."});
  CHECK(split("aaaaaaaaaa bb", sentences(4)) == Texts{"aaaa", "aaaa", "aa", "bb"});
  const std::string family = "👩\u200d👩\u200d👧";  // one grapheme of five code points
  CHECK(split("xy" + family + "z", sentences(6)) == Texts{"xy", family + "z"});
  CHECK(split("xy" + family + "z", sentences(3)) == Texts{"xy", family, "z"});
}

TEST_CASE("sentence chunks are the source's own bytes") {
  const std::string text = read_data("state_of_the_union.txt");
  for (const std::size_t size : {1U, 7U, 80U, 1000U}) {
    std::size_t end = 0;
    for (const Chunk& chunk : make_splitter(sentences(size))->split(text)) {
      REQUIRE(text.substr(chunk.start, chunk.end - chunk.start) == chunk.text);
      REQUIRE(vecdb::count_code_points(chunk.text) <= size);
      REQUIRE(vecdb::strip_python_space(text.substr(end, chunk.start - end)).empty());
      end = chunk.end;
    }
    CHECK(vecdb::strip_python_space(text.substr(end)).empty());
  }
}

TEST_CASE("flags for separators have no meaning for sentences") {
  SplitterOptions options = sentences(10);
  options.separators = {"x"};
  CHECK(refusal(options).find("--separator: has no meaning for --splitter sentence") == 0);
  options.separators.clear();
  options.keep_separator = KeepSeparator::k_no;
  CHECK(refusal(options).find("--keep-separator: has no meaning") == 0);
}

// Not additive, as tokens are not: a word is one long and so is every break inside a word.
class WordMeasure final : public vecdb::TextMeasure {
 public:
  std::size_t length(std::string_view text) const override {
    std::size_t words = 0;
    bool inside = false;
    for (const char c : text) {
      words += c == '-' ? 3 : (c != ' ' && !inside ? 1 : 0);
      inside = c != ' ' && c != '-';
    }
    return words;
  }
};

TEST_CASE("by a measure no chunk of the recursive and sentence splitters is longer than the size") {
  const auto measure = std::make_shared<const WordMeasure>();
  const std::string text = "aa bb cc-dd ee ff gg. hh -- ii jj kk\n\nll mm-nn-oo pp qq";
  for (const std::size_t size : {3U, 4U, 5U, 8U}) {
    for (SplitterOptions options : {recursive({}, size), recursive({"\n"}, size),
                                    recursive({}, size, size / 2), sentences(size)}) {
      for (const Chunk& chunk : make_splitter(options, measure)->split(text)) {
        INFO(size << ": " << chunk.text);
        CHECK(measure->length(chunk.text) <= size);
        CHECK(text.substr(chunk.start, chunk.end - chunk.start) == chunk.text);
      }
    }
  }
}

// Two pieces together may be longer than both apart.
class JoinedMeasure final : public vecdb::TextMeasure {
 public:
  std::size_t length(std::string_view text) const override {
    return text.size() > 2 ? 3 * text.size() : text.size();
  }
};

TEST_CASE("pieces that are longer joined than apart become several chunks") {
  const auto measure = std::make_shared<const JoinedMeasure>();
  SplitterOptions options = recursive({""}, 7);
  std::string joined;
  for (const Chunk& chunk : make_splitter(options, measure)->split("abcdefghijklmnopq")) {
    CHECK(measure->length(chunk.text) <= 7);
    joined += chunk.text;
  }
  CHECK(joined == "abcdefghijklmnopq");
}

TEST_CASE("options without a meaning are refused in one line") {
  CHECK(refusal(plain("\n", 0)) == "--chunk-size 0: holds no text; give at least 1");
  CHECK(refusal(plain("\n", 1000, 2000)) ==
        "--chunk-overlap 2000: is larger than --chunk-size 1000; make it smaller");
  CHECK_FALSE(refusal(plain("\xff", 10)).empty());
  CHECK(refusal(regex("a\n(")).find("--separator \"a\\n(\": missing )") == 0);
}

// What a source's bytes become: each type, encoding and compression by itself.
#include <zlib.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.h"
#include "text/load/compression.h"
#include "text/load/csv_reader.h"
#include "text/load/encoding.h"
#include "text/load/file_type.h"
#include "text/load/front_matter.h"
#include "text/load/html_shape.h"
#include "text/load/html_text.h"
#include "text/load/loader.h"

using namespace vecdb;
using namespace std::string_literals;

namespace {

Document document_of(const std::string& uri, std::string bytes, const LoadOptions& options = {}) {
  Loaded loaded = load_bytes(uri, std::move(bytes), options);
  if (const auto* skipped = std::get_if<Skipped>(&loaded)) FAIL(skipped->reason);
  return std::get<Document>(std::move(loaded));
}

std::string reason_of(const std::string& uri, std::string bytes, const LoadOptions& options = {}) {
  const Loaded loaded = load_bytes(uri, std::move(bytes), options);
  REQUIRE(std::holds_alternative<Skipped>(loaded));
  return std::get<Skipped>(loaded).reason;
}

std::string why(const std::string& bytes, const std::string& encoding = "") {
  try {
    decode_text(bytes, encoding);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// `text` in a encoding of `width` bytes a code unit, big-endian or little-endian.
std::string wide(const std::u16string& text, std::size_t width, bool big) {
  std::string bytes;
  for (const char16_t unit : text) {
    std::string each(width, '\0');
    each[big ? width - 1 : 0] = static_cast<char>(unit & 0xFFU);
    each[big ? width - 2 : 1] = static_cast<char>(unit >> 8U);
    bytes += each;
  }
  return bytes;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string gunzip_reason(const std::string& bytes, std::uint64_t max_bytes) {
  try {
    decompress(Compression::k_gzip, bytes, max_bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

// Places

TEST_CASE("a map without runs is the source itself, shifted") {
  SourceMap map(3);
  SourceCursor cursor(map, "");
  CHECK(map.is_copy());
  CHECK(cursor.range_of(0, 5) == SourceRange{3, 8});
}

TEST_CASE("code points are counted by the width that the source gives them") {
  const std::string text = "aéb東c";  // in Latin-1 or UTF-16 and the like
  SourceMap map;
  std::uint64_t at = 2;
  for (const std::size_t bytes : {1U, 2U, 1U, 3U, 1U}) {
    map.add_code_point(bytes, at, 2);
    at += 2;
  }
  SourceCursor cursor(map, text);
  CHECK(cursor.range_of(0, 8) == SourceRange{2, 12});
  CHECK(cursor.range_of(3, 7) == SourceRange{6, 10});
  CHECK(cursor.range_of(1, 3) == SourceRange{4, 6});  // back again
  CHECK(cursor.range_of(8, 8) == SourceRange{12, 12});
}

TEST_CASE("wholes count whole, and text that was put in stands nowhere") {
  SourceMap map;
  map.add_copy(3, 10);         // "abc"
  map.add_whole(1, {20, 25});  // "&" for "&amp;"
  map.add_whole(2, {25, 25});  // put in
  map.add_copy(2, 40);         // "de"
  SourceCursor cursor(map, "abc&\n\nde");
  CHECK(cursor.range_of(0, 3) == SourceRange{10, 13});
  CHECK(cursor.range_of(2, 4) == SourceRange{12, 25});
  CHECK(cursor.range_of(3, 6) == SourceRange{20, 25});
  CHECK(cursor.range_of(4, 8) == SourceRange{40, 42});
  CHECK(cursor.range_of(4, 6) == SourceRange{25, 25});
  CHECK(cursor.range_of(6, 7) == SourceRange{40, 41});
}

TEST_CASE("places may go backwards, and ranges cover all of them") {
  SourceMap map;
  map.add_copy(2, 50);
  map.add_copy(2, 10);
  SourceCursor cursor(map, "abcd");
  CHECK(cursor.range_of(1, 3) == SourceRange{10, 52});
}

// Encodings

TEST_CASE("a byte order mark decides") {
  const std::u16string text = u"aé東";
  CHECK(decode_text("\xFF\xFE" + wide(text, 2, false), "").text == "aé東");
  CHECK(decode_text("\xFE\xFF" + wide(text, 2, true), "").text == "aé東");
  CHECK(decode_text("\xFF\xFE\0\0"s + wide(text, 4, false), "").text == "aé東");
  CHECK(decode_text("\0\0\xFE\xFF"s + wide(text, 4, true), "").encoding == "UTF-32BE");
  CHECK(decode_text("\xEF\xBB\xBFxé", "").text == "xé");
  for (const auto& mark : {"\xFF\xFE"s, "\xFE\xFF"s, "\xEF\xBB\xBF"s, "\xFF\xFE\0\0"s}) {
    CHECK(why(mark) == "is empty");
  }
}

TEST_CASE("a mark says which of two an encoding is, and must not speak against its name") {
  for (const char* name : {"UTF-16", "UTF-16LE"}) {
    const auto decoded = decode_text("\xFF\xFE" + wide(u"ab", 2, false), name);
    CHECK(decoded.text == "ab");
    CHECK(SourceCursor(decoded.map, decoded.text).range_of(0, 1).begin == 2);
  }
  CHECK(why("\xFF\xFE" + wide(u"ab", 2, false), "UTF-16BE") ==
        "begins with the byte order mark of UTF-16LE, not of UTF-16BE; leave out --encoding");
  CHECK(why("\xEF\xBB\xBF"
            "abc",
            "ISO-8859-1")
            .starts_with("begins with the byte order mark"));
}

TEST_CASE("a page that states UTF-16 in bytes is not in it") {
  CHECK(why("") == "is empty");
  CHECK(decode_text("<meta charset=utf-16><p>caf\xC3\xA9", "", "UTF-16").encoding == "UTF-8");
  CHECK_THROWS_AS(decode_text("<meta charset=utf-16><p>caf\xE9", "", "UTF-16"), Error);
}

TEST_CASE("a zstd frame to be skipped may come first") {
  CHECK(guess_compression("\x5A\x2A\x4D\x18\4\0\0\0abcd"s) == Compression::k_zstd);
  CHECK_FALSE(guess_compression("\x60\x2A\x4D\x18"s));
}

TEST_CASE("UTF-16 without a mark is told by its zero bytes") {
  CHECK(decode_text(wide(u"Plain words.", 2, false), "").encoding == "UTF-16LE");
  CHECK(decode_text(wide(u"Plain words.", 2, true), "").text == "Plain words.");
  const std::u16string russian = u"Обычный текст с пробелами, в котором мало нулей.";
  CHECK(decode_text(wide(russian, 2, false), "").encoding == "UTF-16LE");
  const std::string advice = "; if it is text, name its encoding with --encoding";
  CHECK(why("ab\0c"s) == "is binary: NUL at byte 2");
  CHECK(why("a\0b\0c"s) == "is binary: NUL at byte 1");
  std::string names;
  for (int i = 0; i < 20; ++i) names += "abc\0def\0"s;
  CHECK(why(names) == "is binary: NUL at byte 3");
  CHECK(why(wide(u"ab", 4, false)) == "is binary: NUL at byte 1" + advice);
  CHECK(why("\x10\x04\x91\x03\x20\0"s) == "is binary: NUL at byte 5" + advice);
}

TEST_CASE("a few words of UTF-16 without a mark are enough when they are of one script") {
  for (const std::u16string text : {u"Дом\n", u"Привет, мир", u"Łódź\n", u"née ", u"日本 テキスト",
                                    u"한국어 말", u"Ελλάδα\n", u"abc\n"}) {
    for (const bool big_endian : {false, true}) {
      const DecodedText decoded = decode_text(wide(text, 2, big_endian), "");
      CHECK(decoded.encoding == (big_endian ? "UTF-16BE" : "UTF-16LE"));
      CHECK(decoded.text == decode_text("\xFF\xFE" + wide(text, 2, false), "").text);
    }
  }
  // Cyrillic, Greek, a space; three numbers; all of one script but with a control character.
  CHECK(why("\x10\x04\x91\x03\x20\0\x92\x03"s).starts_with("is binary: NUL at byte 5"));
  CHECK(why("\x01\x02\x03\0\x05\x06"s).starts_with("is binary: NUL at byte 3"));
  CHECK(why("\x10\x04\x11\x04\x12\x04\x01\0"s).starts_with("is binary: NUL at byte 7"));
}

TEST_CASE("what cannot be decoded names its byte") {
  CHECK(why("\xFF\xFE"s + wide(u"ab", 2, false) + "\x00\xD8"s) == "is not UTF-16LE: byte 6");
  CHECK(why("abc\x81", "ISO-8859-1") == "is not ISO-8859-1: byte 3");
  CHECK(why("abc\x85", "ISO-8859-1").empty());
  CHECK(why("abc\x98", "windows-1251") == "is not windows-1251: byte 3");
  CHECK(why("ab\x82", "Shift_JIS") == "is not Shift_JIS: byte 2");
  CHECK(why("ab\xC3", "UTF-8") == "is not UTF-8: byte 2");
  CHECK(why("ab+2AA-", "UTF-7") == "is not UTF-7: byte 2");
  CHECK(why(std::string("a\0", 2), "ISO-8859-1") == "is binary: NUL at byte 1");
}

TEST_CASE("broken UTF-8 is not taken for something else") {
  const std::string advice = "; if it is text, name its encoding with --encoding";
  CHECK(why("abc \xff\xfe def") == "is not UTF-8: byte 4" + advice);
  CHECK(why("caf\xe9") == "is not UTF-8: byte 3" + advice);
  CHECK(why("cut \xE2\x82") == "is not UTF-8: byte 4" + advice);
  const std::string good = "Größe, Straße, Übermut, façade, naïve, œuvre. ";
  CHECK(why(good + good + "\xC3\x28 \xA0\xA1 \xE2\x28\xA1") ==
        "is not UTF-8: byte " + std::to_string(2 * good.size()) + advice);
}

TEST_CASE("names of encodings have one form") {
  CHECK(canonical_encoding("utf8") == "UTF-8");
  CHECK(canonical_encoding("latin1") == "ISO-8859-1");
  CHECK(canonical_encoding("cp1251") == "windows-1251");
  CHECK(canonical_encoding("none-such").empty());
  CHECK(canonical_encoding("").empty());
}

// Types

TEST_CASE("the type is told by content, then by name") {
  CHECK(guess_type("x", "%PDF-1.7\n") == FileType::k_pdf);
  CHECK(guess_type("x.txt", "%PDF-1.7\n") == FileType::k_pdf);
  CHECK(guess_type("x", "\n <!DOCTYPE HTML>") == FileType::k_html);
  CHECK(guess_type("x", "<htmlish>") == FileType::k_text);
  CHECK(guess_type("A.MD", "") == FileType::k_markdown);
  CHECK(guess_type("a.b.csv", "") == FileType::k_csv);
  CHECK(guess_type("a.ndjson", "") == FileType::k_jsonl);
  CHECK(guess_type("a.py", "import x") == FileType::k_text);
  CHECK(guess_type("csv", "") == FileType::k_text);
}

TEST_CASE("binary files are skipped by their kind") {
  CHECK(reason_of("x", "\x89PNG\r\n\x1A\n\0\0"s) == "is a PNG image, not text");
  CHECK(reason_of("x",
                  "\x7F"
                  "ELF\2\1\1\0"s) == "is an ELF program or library, not text");
  CHECK(reason_of("x", "PK\3\4\x14\0\0\0"s).starts_with("is a ZIP archive"));
  CHECK(document_of("x", "GIF89a is a format").type == "text");
}

// Front matter

TEST_CASE("front matter becomes metadata, and the text begins after it") {
  const std::string head =
      "---\ntitle: \"A: b\"\nn: 3\nx: -1.5\nyes: true\nword: no\nnone:\ndate: 2024-01-02\n"
      "tags: [a, 'b c']\nlist:\n  - one\n  - 2\nsub: {k: v}\n---\n";
  const Document document = document_of("a.md", head + "Text\n");
  CHECK(document.type == "markdown");
  CHECK(document.meta ==
        R"({"title":"A: b","n":3,"x":-1.5,"yes":true,"word":"no","none":null,)"
        R"("date":"2024-01-02","tags":["a","b c"],"list":["one",2],"sub":{"k":"v"}})");
  const Section& section = document.sections.at(0);
  CHECK(section.text == "Text\n");
  CHECK(section.line == 15);
  CHECK(SourceCursor(section.map, section.text).range_of(0, 4) ==
        SourceRange{head.size(), head.size() + 4});
}

TEST_CASE("what is no front matter stays text") {
  for (const std::string text :
       {"", "---", "---\n", "---\nkey: v\n", "---\n- a\n---\nx", "---\nword\n---\n", "--- \n---\n",
        "---\na: &x [1]\nb: *x\n---\n", "---\na: !!python/none x\n---\n", "---\na: 1\na: 2\n---\n",
        "---\n<<: {a: 1}\n---\n", "---\na: [\n---\n", "----\na: 1\n---\n", " ---\na: 1\n---\n",
        "---\na: [[[[[[[[[1]]]]]]]]]\n---\n", "---\n? [a]\n: b\n---\n"}) {
    CAPTURE(text);
    CHECK_FALSE(read_front_matter(text));
  }
  CHECK_FALSE(read_front_matter("---\na: " + std::string(70'000, 'x') + "\n---\n"));
  CHECK_FALSE(read_front_matter("---\na: " + std::string(30'000, '[') + "\n---\n"));
  CHECK(read_front_matter("---\r\na: 1\r\n...\r\nx")->end == 16);
}

// HTML

TEST_CASE("a page's text is its words, with white space as a browser shows it") {
  const auto text = [](std::string_view page) { return read_html(page).text; };
  CHECK(text("<p>a  b\n c</p><p>d</p>") == "a b c\n\nd");
  CHECK(text("a<b>b</b> <i> c</i>d") == "ab cd");
  CHECK(text("<ul><li>x<li>y<ul><li>z</ul></ul>e") == "x\ny\nz\n\ne");
  CHECK(text("<table><tr><td>1<td>2<tr><td>3</table>") == "1\t2\n3");
  CHECK(text("a<br>b<br><br>c<hr>d") == "a\nb\n\nc\n\nd");
  CHECK(text("<pre>\n x\n  y</pre>z") == " x\n  y\n\nz");
  CHECK(text("<head><title>t</title></head>x<script>y</script><style>z</style>") == "x");
  CHECK(text("<body><noscript>a</noscript><template>b</template><!-- c -->d") == "d");
  CHECK(text("&lt;a&gt;&nbsp;&#233;&#x6771;&amp;amp; &bogus; &copy2 AT&T") ==
        "<a>\u00A0é東&amp; &bogus; ©2 AT&T");
  CHECK(text("").empty());
  CHECK(text("<p> </p>").empty());
}

TEST_CASE("a character reference too large for any number is a replacement character") {
  const auto text = [](std::string_view page) { return read_html(page).text; };
  const std::string nines(30, '9');
  CHECK(text("a&#1114112;b&#x110000;c") == "a\uFFFDb\uFFFDc");
  CHECK(text("a&#" + nines + ";b&#x" + nines + "c") == "a\uFFFDb\uFFFD");
  CHECK(text("&#4294967361;&#x100000041;&#2147483713;") == "\uFFFD\uFFFD\uFFFD");
  CHECK(text("&#000000000000000000065;&#x00000000000000000042;") == "AB");
  CHECK(read_html("<title>&#" + nines + ";</title>").title == "\uFFFD");
  CHECK(text("&#" + nines) == "\uFFFD");
}

TEST_CASE("a page says its title and language") {
  const HtmlText page = read_html("<html lang='de-AT'><title> A\n &amp;  b </title>x");
  CHECK(page.title == "A & b");
  CHECK(page.language == "de-AT");
  const Document document = document_of("a.html", "<html lang=de><title>T</title>x");
  CHECK(document.meta == R"({"title":"T","lang":"de"})");
}

TEST_CASE("each word of a page stands at its place") {
  const std::string source =
      "<p>one &eacute;&Eacute;t\r\n<b>two</b> &#65; &notin;&notit; three<!-- no -->four</x>five";
  const HtmlText page = read_html(source);
  CHECK(page.text == "one éÉt two A ∉¬it; threefourfive");
  const auto place = [&](const std::string& word) {
    const auto at = page.text.find(word);
    const SourceRange range = SourceCursor(page.map, page.text).range_of(at, at + word.size());
    return source.substr(range.begin, range.end - range.begin);
  };
  CHECK(place("one") == "one");
  CHECK(place("éÉt") == "&eacute;&Eacute;t");
  CHECK(place("É") == "&Eacute;");
  CHECK(place("two") == "two");
  CHECK(place("A") == "&#65;");
  CHECK(place("∉") == "&notin;");
  CHECK(place("¬") == "&not");
  CHECK(place("it;") == "it;");
  CHECK(place("four") == "four");
  CHECK(place("five") == "five");
  CHECK(place("t two") == "t\r\n<b>two");
}

TEST_CASE("CDATA in a picture is text at its place, and elsewhere a comment") {
  const std::string source =
      "<svg><desc>a<![CDATA[b &amp; <c>\r\nd]]>e</desc></svg><p>f<![CDATA[no]]>g";
  const HtmlText page = read_html(source);
  CHECK(page.text == "ab &amp; <c> de\n\nfg");
  const auto place = [&](const std::string& word) {
    const auto at = page.text.find(word);
    const SourceRange range = SourceCursor(page.map, page.text).range_of(at, at + word.size());
    return source.substr(range.begin, range.end - range.begin);
  };
  CHECK(place("b") == "b");
  CHECK(place("&amp;") == "&amp;");
  CHECK(place("<c>") == "<c>");
  CHECK(place("de") == "d]]>e");
  CHECK(place("fg") == "f<![CDATA[no]]>g");
}

TEST_CASE("a title outside the head stands apart, and counts when there is no other") {
  const HtmlText page = read_html("<body>a<title>b  c</title>d");
  CHECK(page.text == "a\n\nb c\n\nd");
  CHECK(page.title == "b c");
  CHECK(read_html("<title>t</title><body>a<title>b</title>").title == "t");
  const HtmlText picture = read_html("<p>x<svg><title>b</title><desc>c</desc></svg>");
  CHECK(picture.text == "x\n\nb\n\nc");
  CHECK(picture.title.empty());
}

TEST_CASE("pages that would take forever are refused") {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += i % 2 == 0 ? "<div>" : "<div></x>";
  CHECK(reason_of("a.html", deep) == "nests elements deeper than 1000");
  std::string attributes = "<p ";
  for (int i = 0; i < 2'000; ++i) attributes += "a" + std::to_string(i) + "=1 ";
  CHECK(reason_of("a.html", attributes + ">x") == "has a tag with more than 1000 attributes");
  std::string fonts = "<p>";
  for (int i = 0; i < 900; ++i) fonts += "<font a" + std::to_string(i) + ">";
  for (int i = 0; i < 3'000; ++i) fonts += "<p>x";
  CHECK(reason_of("a.html", fonts).starts_with("its elements take more memory than"));
  CHECK(reason_of("a.html", "<p> </p>") == "is a web page that holds no text");
}

TEST_CASE("a page's shape is counted without scripts, comments and left-out end tags") {
  const auto depth = [](std::string_view page) { return html_shape(page, 1000).depth; };
  CHECK(depth("<div><span>x</span></div><div>") == 2);
  CHECK(depth("<p>a<p>b<li>c<br><td>") == 0);
  CHECK(depth("<script>if (a<b) x='<b><b>'</script><b>") == 1);
  CHECK(depth("<!-- <b><b><b> --><b a='<b>' c=\">\"><b>") == 2);
  CHECK(depth("<svg><path/><path/><path/></svg><b/><b/>") == 2);
  CHECK(html_shape("<a b=c d e='f g h' i>", 1000).attributes == 4);
}

TEST_CASE("a page may state its encoding") {
  CHECK(stated_encoding("<meta charset=\"koi8-r\">") == "koi8-r");
  CHECK(stated_encoding("<META http-equiv=x content='text/html; charset=windows-1251'>") ==
        "windows-1251");
  CHECK(stated_encoding("<meta charset=latin1>") == "windows-1252");
  CHECK(stated_encoding("<meta name=charset><p charset=x>").empty());
  CHECK(document_of("a.html", "<meta charset=latin1><p>caf\xE9").sections.at(0).text == "café");
  CHECK(document_of("a.html", "<meta charset=latin1><p>café").sections.at(0).text == "café");
}

// Tables

TEST_CASE("CSV is read as RFC 4180 has it") {
  const std::string text = "a,\"b\"\"c\nd\",\r\n\r\ne\"f,\"\",g\nlast";
  CsvReader reader(text, ',');
  const auto first = reader.next();
  CHECK(first->fields == std::vector<std::string>{"a", "b\"c\nd", ""});
  CHECK(first->range == SourceRange{0, 11});
  const auto second = reader.next();
  CHECK(second->fields == std::vector<std::string>{"e\"f", "", "g"});
  CHECK(second->line == 4);
  CHECK(reader.next()->fields == std::vector<std::string>{"last"});
  CHECK_FALSE(reader.next());
}

TEST_CASE("malformed CSV rows are named and passed over") {
  CsvReader reader("\"a\"b,c\nok\n\"open\nrest", ',');
  CHECK_FALSE(reader.next()->problem.empty());
  CHECK(reader.next()->problem.empty());
  CHECK(reader.next()->problem.find("line 3") != std::string::npos);
  CHECK_FALSE(reader.next());
}

TEST_CASE("a row's text is one column, or all of them by name") {
  const std::string table = "id,text\n1,one\n2,\n3\n4,\"fo\nur\"\n";
  LoadOptions options;
  options.text_field = "text";
  const Document document = document_of("t.csv", table, options);
  REQUIRE(document.sections.size() == 2);
  CHECK(document.sections[1].text == "fo\nur");
  CHECK(document.sections[1].meta == R"({"id":"4","row":4})");
  CHECK(document.sections[1].line == 5);
  REQUIRE(document.skipped.size() == 1);
  CHECK(document.skipped[0].uri == "t.csv:4");
  CHECK(document_of("t.csv", table).sections.at(0).text == "id: 1\ntext: one");
  CHECK(document_of("t.tsv", "a\tb\n1\t2\n").sections.at(0).text == "a: 1\nb: 2");
  options.text_field = "none";
  CHECK(reason_of("t.csv", table, options) == "has no column none; its columns are id, text");
  options.text_field = "a";
  CHECK(reason_of("t.csv", "a,b,b\n1,2,3\n", options).find("two columns alike") !=
        std::string::npos);
  options = {};
  options.malformed = Malformed::k_refuse;
  CHECK_THROWS_WITH(load_bytes("t.csv", table, options), Catch::StartsWith("t.csv:4: "));
  CHECK(document_of("t.csv", "a,b\n").sections.empty());
}

TEST_CASE("only so many malformed rows are named") {
  std::string table = "a,b\n";
  for (int i = 0; i < 250; ++i) table += "x\n";
  const Document document = document_of("t.csv", table);
  REQUIRE(document.skipped.size() == 101);
  CHECK(document.skipped.back().reason == "150 more rows are malformed");
}

TEST_CASE("JSON Lines give a section a line") {
  const std::string lines =
      "{\"text\":\"one\",\"k\":[1]}\r\n\n[]\n{\"text\":1}\n{\"t\":\"x\"}\n{\"text\":\"\"}\n{"
      "\"text\":\"two\"}";
  const Document document = document_of("t.jsonl", lines);
  REQUIRE(document.sections.size() == 2);
  CHECK(document.sections[0].meta == R"({"k":[1],"row":1})");
  CHECK(SourceCursor(document.sections[0].map, document.sections[0].text).range_of(0, 3) ==
        SourceRange{0, 22});
  CHECK(document.sections[1].line == 7);
  std::vector<std::string> skipped;
  for (const Skipped& each : document.skipped) skipped.push_back(each.uri + " " + each.reason);
  CHECK(skipped == std::vector<std::string>{"t.jsonl:3 is not a JSON object",
                                            "t.jsonl:4 text is not a string",
                                            "t.jsonl:5 has no \"text\""});
}

// Compression

TEST_CASE("gzip members follow one another, up to the limit") {
  const std::string text(300'000, 'x');
  const std::string bytes = gzip(text) + gzip("end");
  CHECK(decompress(Compression::k_gzip, bytes, 300'003) == text + "end");
  CHECK(gunzip_reason(bytes, 300'002) ==
        "is larger than the limit of 300002 bytes when decompressed");
  CHECK(decompress(Compression::k_gzip, gzip("a") + std::string(100, '\0'), 10) == "a");
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    const std::string part = bytes.substr(0, cut);
    if (cut == gzip(text).size()) continue;
    CHECK(gunzip_reason(part, 400'000).find("is cut off") == 0);
  }
  std::string wrong = gzip("some text");
  wrong[wrong.size() - 5] ^= 1;
  CHECK(gunzip_reason(wrong, 100).find("is damaged") == 0);
  CHECK(gunzip_reason(gzip("a") + "tail", 100).find("is damaged") == 0);
}

TEST_CASE("the type of a compressed file is that of its inner name") {
  const Document document = document_of("a.csv.gz", gzip("a\nx\n"));
  CHECK(document.type == "csv");
  CHECK(document.size == gzip("a\nx\n").size());
  CHECK(reason_of("a.gz", gzip("")) == "is empty");
}

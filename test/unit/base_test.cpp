#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <stop_token>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"

namespace fs = std::filesystem;
using vecdb::AtomicFile;
using vecdb::Error;
using vecdb::ErrorKind;
using namespace std::string_literals;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "vecdb-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    m_path = name;
  }
  ~TemporaryFolder() { fs::remove_all(m_path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  fs::path operator/(const std::string& name) const { return m_path / name; }
  bool is_empty() const { return fs::is_empty(m_path); }

 private:
  fs::path m_path;
};

vecdb::Json parse(const std::string& text) {
  return vecdb::parse_json(text, "test", ErrorKind::k_usage);
}

}  // namespace

TEST_CASE("well-formed UTF-8 is accepted up to the last code point") {
  CHECK_FALSE(vecdb::find_invalid_utf8(""));
  CHECK_FALSE(vecdb::find_invalid_utf8("a\0\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff"s));
  CHECK_FALSE(vecdb::find_invalid_utf8("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST_CASE("the first byte that is not well-formed UTF-8 is found") {
  const std::pair<std::string, std::size_t> cases[] = {
      {"\x80", 0},         {"ab\xC0\x80", 2},       {"\xC1\xBF", 0},     {"\xE0\x9F\xBF", 0},
      {"\xED\xA0\x80", 0}, {"\xF0\x8F\xBF\xBF", 0}, {"\xF5", 0},         {"\xF4\x90\x80\x80", 0},
      {"a\xE2\x82", 1},    {"a\xF0\x9F\x98", 1},    {"\xC3\xA9\xC3", 2}, {"\xE2\x28\xA1", 0},
  };
  for (const auto& [bytes, offset] : cases) {
    INFO(offset);
    CHECK(vecdb::find_invalid_utf8(bytes) == offset);
  }
}

TEST_CASE("code points are counted, decoded and written") {
  const std::string text = "aé漢👩";
  CHECK(vecdb::count_code_points(text) == 4);
  CHECK(vecdb::count_code_points("") == 0);
  std::string again;
  std::u32string decoded;
  for (std::size_t offset = 0; offset < text.size();) {
    decoded.push_back(vecdb::decode_code_point(text, offset));
    vecdb::append_utf8(again, decoded.back());
  }
  CHECK(decoded == U"aé漢👩");
  CHECK(again == text);
}

TEST_CASE("lines are counted from 1, forwards and a little backwards") {
  vecdb::LineCounter lines("a\nb\n\nc");
  CHECK(lines.line_at(0) == 1);
  CHECK(lines.line_at(1) == 1);
  CHECK(lines.line_at(2) == 2);
  CHECK(lines.line_at(5) == 4);
  CHECK(lines.line_at(2) == 2);
  CHECK(lines.line_at(6) == 4);
}

TEST_CASE("SHA-256 gives the published digests") {
  CHECK(vecdb::sha256_hex("") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(vecdb::sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  vecdb::Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  CHECK(hash.hex_digest() == vecdb::sha256_hex("abc"));
}

TEST_CASE("JSON keeps the order of keys and comes back as it was") {
  const std::string line = R"({"b":1,"a":[true,null,"é\n",0.5]})";
  CHECK(vecdb::dump_json(parse(line)) == line);
}

TEST_CASE("waiting for a pipe ends with its bytes, its end, or a stop") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const vecdb::FileDescriptor reader(ends[0]);
  auto writer = std::make_optional<vecdb::FileDescriptor>(ends[1]);
  std::stop_source stop;
  auto waiting = std::async(std::launch::async,
                            [&] { return vecdb::wait_readable(reader.get(), stop.get_token()); });
  stop.request_stop();
  CHECK_FALSE(waiting.get());
  REQUIRE(::write(writer->get(), "x", 1) == 1);
  CHECK(vecdb::wait_readable(reader.get()));
  char byte = 0;
  REQUIRE(::read(reader.get(), &byte, 1) == 1);
  writer.reset();
  CHECK(vecdb::wait_readable(reader.get()));
}

TEST_CASE("two JSON objects become one in which the second counts") {
  const auto merged = [](const char* under, const char* over) {
    return vecdb::merge_json(under, over, "test", ErrorKind::k_usage);
  };
  CHECK(merged("", "") == "{}");
  CHECK(merged("{}", R"({"a":1})") == R"({"a":1})");
  CHECK(merged(R"({"a":1})", "") == R"({"a":1})");
  CHECK(merged(R"({"a":1,"b":2})", R"({"c":3,"a":{"d":4}})") == R"({"a":{"d":4},"b":2,"c":3})");
  CHECK_THROWS_AS(merged(R"({"a":1})", R"({"a")"), vecdb::Error);
}

TEST_CASE("a JSON string is written as dump_json writes it") {
  std::string all;
  for (char32_t c = 0; c < 0x300; ++c) vecdb::append_utf8(all, c);
  for (const std::string& text : {std::string(), std::string("a\"\\\b\f\n\r\t/\x7f"), all,
                                  std::string("\u2028漢字👩\U0010FFFF\"")}) {
    std::string written = "x";
    vecdb::append_json_string(written, text);
    CHECK(written == "x" + vecdb::dump_json(text));
  }
}

TEST_CASE("JSON that is not exactly one sound value is refused") {
  for (const auto& text : {""s, "{"s, "1 2"s, R"({"a":1,"a":2})"s, "\"\xFF\""s, "[1,]"s, "nul"s,
                           "1e999"s, std::string(65, '[') + std::string(65, ']')}) {
    INFO(text);
    CHECK_THROWS_AS(parse(text), Error);
  }
  CHECK_NOTHROW(parse(std::string(64, '[') + std::string(64, ']')));
  CHECK_NOTHROW(parse(R"([{"a":1},{"a":2}])"));
}

TEST_CASE("an atomic file appears whole at commit") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "a");
    file.write("one ");
    file.write("two");
    CHECK_FALSE(fs::exists(folder / "a"));
    file.commit();
  }
  CHECK(vecdb::read_file(folder / "a", 100) == "one two");
}

TEST_CASE("an atomic file that is not committed leaves nothing, and the old content stands") {
  const TemporaryFolder folder;
  { AtomicFile(folder / "a").write("lost"); }
  CHECK(folder.is_empty());
  std::ofstream(folder / "a") << "old";
  { AtomicFile(folder / "a").write("lost"); }
  CHECK(vecdb::read_file(folder / "a", 100) == "old");
  AtomicFile file(folder / "a");
  file.write("new");
  file.commit();
  CHECK(vecdb::read_file(folder / "a", 100) == "new");
}

TEST_CASE("an atomic file in a folder that is not there is an input/output error") {
  CHECK_THROWS_AS(AtomicFile("/no/such/folder/a"), Error);
}

TEST_CASE("a file over the given size is refused") {
  const TemporaryFolder folder;
  std::ofstream(folder / "a") << "12345";
  CHECK(vecdb::read_file(folder / "a", 5) == "12345");
  CHECK_THROWS_AS(vecdb::read_file(folder / "a", 4), Error);
}

TEST_CASE("folders and FIFOs are refused without blocking") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(vecdb::open_regular_file(folder / "fifo"), Catch::Contains("is a FIFO"));
  CHECK_THROWS_WITH(vecdb::open_regular_file(folder / ""), Catch::Contains("is a folder"));
  CHECK_THROWS_WITH(vecdb::open_regular_file(folder / "none"), Catch::Contains("No such file"));
}

TEST_CASE("a mapped file shows the content, and an empty one is empty") {
  const TemporaryFolder folder;
  std::ofstream(folder / "a") << "content";
  std::ofstream(folder / "empty") << "";
  const vecdb::MappedFile file(folder / "a");
  CHECK(vecdb::sha256_hex(file.bytes()) == vecdb::sha256_hex("content"));
  CHECK(file.stamp().size == 7);
  CHECK(vecdb::MappedFile(folder / "empty").bytes().empty());
}

TEST_CASE("a stamp tells a changed file from an unchanged one") {
  const TemporaryFolder folder;
  std::ofstream(folder / "a") << "one";
  const auto stamp = [&] {
    return vecdb::stamp_of(vecdb::open_regular_file(folder / "a"), folder / "a");
  };
  const auto before = stamp();
  CHECK(stamp() == before);
  std::ofstream(folder / "a") << "other";
  CHECK_FALSE(stamp() == before);
}

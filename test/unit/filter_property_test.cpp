#include <catch2/catch.hpp>
#include <functional>
#include <random>
#include <vector>

#include "base/json.h"
#include "search/filter.h"

// Random filters over random documents. Each filter is made together with a function that says by
// other means what it stands for: no parser, no laziness, no three values.
using vecdb::DocumentFacts;
using vecdb::Filter;
using vecdb::Json;
using vecdb::parse_filter;

namespace {

struct Document {
  std::string uri;
  std::string type;
  std::uint64_t size = 0;
  std::int64_t day = 0;  // of its modification since 1970; 0 for none
  Json meta = Json::object();
  Json chunk = Json::object();

  DocumentFacts facts() const { return {uri, type, "00", size, day * 86'400 * 1'000'000'000}; }
  // All values that a key of metadata has, those of arrays one by one.
  std::vector<Json> values(const std::string& key) const {
    const Json& object = chunk.contains(key) ? chunk : meta;
    if (!object.contains(key)) return {};
    const Json& value = object.at(key);
    return value.is_array() ? value.get<std::vector<Json>>() : std::vector<Json>{value};
  }
};

struct Condition {
  std::string text;
  std::function<bool(const Document&)> holds;
};

class Maker {
 public:
  explicit Maker(unsigned seed) : m_random(seed) {}

  std::size_t below(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(m_random);
  }

  template <typename Each>
  Each one_of(std::initializer_list<Each> choices) {
    return choices.begin()[below(choices.size())];
  }

  Document document() {
    Document document;
    document.uri = one_of<std::string>({"/a", "/a/b", "/b/a", "/a/b/c", "b", "-"});
    document.type = one_of<std::string>({"text", "pdf"});
    document.size = below(4);
    document.day = static_cast<std::int64_t>(below(4));
    for (const char* key : {"k", "l", "size"}) {
      if (below(3) > 0) document.meta[key] = value();
      if (below(4) == 0) document.chunk[key] = value();
    }
    return document;
  }

  Condition condition(int depth) {
    switch (depth == 0 ? 0 : below(4)) {
      case 1: {
        Condition inner = condition(depth - 1);
        return {"not (" + inner.text + ")",
                [inner](const Document& each) { return !inner.holds(each); }};
      }
      case 2:
      case 3: {
        Condition a = condition(depth - 1);
        Condition b = condition(depth - 1);
        if (below(2) == 0) {
          return {"(" + a.text + ") and (" + b.text + ")",
                  [a, b](const Document& each) { return a.holds(each) && b.holds(each); }};
        }
        return {"(" + a.text + ") or (" + b.text + ")",
                [a, b](const Document& each) { return a.holds(each) || b.holds(each); }};
      }
      default:
        return below(2) == 0 ? fact_term() : metadata_term();
    }
  }

 private:
  Json value() {
    switch (below(6)) {
      case 0:
        return static_cast<int>(below(4));
      case 1:
        return 0.5 + static_cast<double>(below(3));
      case 2:
        return one_of<std::string>({"0", "1", "2.5", "x", "y", "true", ""});
      case 3:
        return below(2) == 0;
      case 4:
        return nullptr;
      default: {
        Json array = Json::array();
        for (std::size_t count = below(3); count > 0; --count) {
          array.push_back(one_of<Json>({0, 1, "x", "1", nullptr, true}));
        }
        return array;
      }
    }
  }

  // An operator and how a comparison has to come out for it.
  std::pair<std::string, std::function<bool(int)>> order() {
    using Test = std::function<bool(int)>;
    return one_of<std::pair<std::string, Test>>({{"=", [](int sign) { return sign == 0; }},
                                                 {"<", [](int sign) { return sign < 0; }},
                                                 {"<=", [](int sign) { return sign <= 0; }},
                                                 {">", [](int sign) { return sign > 0; }},
                                                 {">=", [](int sign) { return sign >= 0; }}});
  }

  static int sign(double difference) { return (difference > 0 ? 1 : 0) - (difference < 0 ? 1 : 0); }

  Condition fact_term() {
    const auto [op, test] = order();
    const std::int64_t number = static_cast<std::int64_t>(below(4));
    const bool negated = op == "=" && below(2) == 0;
    const std::string sign_text = negated ? "!=" : op;
    switch (below(4)) {
      case 0:
        return {"size " + sign_text + " " + std::to_string(number),
                [=, test = test](const Document& each) {
                  return test(sign(static_cast<double>(each.size) - static_cast<double>(number))) !=
                         negated;
                }};
      case 1:
        return {"mtime " + sign_text + " 1970-01-0" + std::to_string(number + 1),
                [=, test = test](const Document& each) {
                  return (each.day != 0 && test(sign(static_cast<double>(each.day - number)))) !=
                         negated;
                }};
      case 2:
        return {"type in (pdf, csv)", [](const Document& each) { return each.type == "pdf"; }};
      default:
        return {"path ~ b",
                [](const Document& each) { return each.uri == "b" || each.uri.ends_with("/b"); }};
    }
  }

  Condition metadata_term() {
    const auto key = one_of<std::string>({"k", "l", "size"});
    const std::string field = "meta." + key;
    const auto any = [key](const Document& document, const auto& holds) {
      const auto values = document.values(key);
      return std::any_of(values.begin(), values.end(), holds);
    };
    const auto [op, test] = order();
    const bool negated = op == "=" && below(2) == 0;
    const std::string head = field + " " + (negated ? "!=" : op) + " ";
    switch (below(5)) {
      case 0: {
        const double number = static_cast<double>(below(7)) / 2;
        return {head + Json(number).dump(), [=, test = test](const Document& document) {
                  return any(document, [=](const Json& value) {
                           if (value.is_number()) return test(sign(value.get<double>() - number));
                           if (value == "0" || value == "1" || value == "2.5") {
                             return test(sign(std::stod(value.get<std::string>()) - number));
                           }
                           return false;
                         }) != negated;
                }};
      }
      case 1: {
        const auto text = one_of<std::string>({"x", "1", "true", ""});
        return {head + "'" + text + "'", [=, test = test](const Document& document) {
                  return any(document, [=](const Json& value) {
                           return value.is_string() &&
                                  test(sign(value.get<std::string>().compare(text)));
                         }) != negated;
                }};
      }
      case 2:
        return {field + " in (true, null, x)", [=](const Document& document) {
                  return any(document, [](const Json& value) {
                    return value == true || value == "true" || value.is_null() || value == "x";
                  });
                }};
      case 3:
        return {field + " ~ '?'", [=](const Document& document) {
                  return any(document, [](const Json& value) {
                    return value.is_string() && value.get<std::string>().size() == 1;
                  });
                }};
      default:
        return {field + " exists", [=](const Document& document) {
                  return document.meta.contains(key) || document.chunk.contains(key);
                }};
    }
  }

  std::mt19937 m_random;
};

bool matches(const Filter& filter, const Document& document) {
  return filter.matches(document.facts(), document.meta.dump(), document.chunk.dump());
}

// By the document and the names of the keys that the chunk has.
std::optional<bool> decide(const Filter& filter, const Document& document) {
  Json keys = Json::array();
  for (const auto& [key, value] : document.chunk.items()) keys.push_back(key);
  return filter.decide(document.facts(), document.meta.dump(), keys.empty() ? "" : keys.dump());
}

}  // namespace

TEST_CASE("random filters say of random documents what a plain evaluation says") {
  Maker maker(7);
  std::vector<Document> documents;
  for (int i = 0; i < 60; ++i) documents.push_back(maker.document());
  std::size_t passed = 0;
  std::size_t decided = 0;
  for (int i = 0; i < 2000; ++i) {
    const Condition condition = maker.condition(static_cast<int>(maker.below(5)));
    const Filter filter = parse_filter(condition.text, "--filter");
    const Filter again = parse_filter(filter.text(), "--filter");
    REQUIRE(again.text() == filter.text());
    for (const Document& document : documents) {
      const bool expected = condition.holds(document);
      const auto verdict = filter.decide(document.facts());
      const auto of_document = decide(filter, document);
      if (matches(filter, document) != expected || matches(again, document) != expected ||
          verdict.value_or(expected) != expected || of_document.value_or(expected) != expected ||
          (document.chunk.empty() && !of_document)) {
        FAIL(condition.text << " of " << document.uri << " " << document.meta << document.chunk);
      }
      passed += expected ? 1 : 0;
      decided += verdict ? 1 : 0;
    }
  }
  // The cases are of all kinds.
  CHECK(passed > 30'000);
  CHECK(passed < 90'000);
  CHECK(decided > 30'000);
  CHECK(decided < 100'000);
}

TEST_CASE("De Morgan's laws hold of random filters") {
  Maker maker(8);
  std::vector<Document> documents;
  for (int i = 0; i < 30; ++i) documents.push_back(maker.document());
  for (int i = 0; i < 500; ++i) {
    const std::string a = "(" + maker.condition(2).text + ")";
    const std::string b = "(" + maker.condition(2).text + ")";
    const Filter not_both = parse_filter("not (" + a + " and " + b + ")", "");
    const Filter one_not = parse_filter("not " + a + " or not " + b, "");
    const Filter not_one = parse_filter("not (" + a + " or " + b + ")", "");
    const Filter both_not = parse_filter("not " + a + " and not " + b, "");
    for (const Document& document : documents) {
      INFO(a << b << document.uri << document.meta << document.chunk);
      REQUIRE(matches(not_both, document) == matches(one_not, document));
      REQUIRE(matches(not_one, document) == matches(both_not, document));
    }
  }
}

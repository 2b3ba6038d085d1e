#include "model/json_fields.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vecdb {

namespace {

constexpr std::size_t k_max_shown = 100;  // bytes of a value in an error

}  // namespace

JsonFields::JsonFields(const Json& object, std::string where, std::string advice)
    : m_object(object), m_where(std::move(where)), m_advice(std::move(advice)) {
  if (!object.is_object()) throw wrong("is not an object");
}

std::string JsonFields::text(const std::string& key) {
  const Json& found = value(key);
  if (!found.is_string()) throw wrong(key + " is not a string");
  return found.get<std::string>();
}

std::string JsonFields::choice(const std::string& key, std::initializer_list<const char*> known) {
  std::string value = text(key);
  if (std::find(known.begin(), known.end(), value) != known.end()) return value;
  throw wrong(key + " is \"" + value + "\", which is not known to this version of vecdb");
}

bool JsonFields::flag(const std::string& key) {
  const Json& found = value(key);
  if (!found.is_boolean()) throw wrong(key + " is not true or false");
  return found.get<bool>();
}

std::size_t JsonFields::count(const std::string& key, std::uint64_t least, std::uint64_t most) {
  const Json& found = value(key);
  // Unsigned as parsed: reading a negative number as unsigned would wrap without a word.
  if (!found.is_number_unsigned()) throw wrong(key + " is not a whole number");
  const auto number = found.get<std::uint64_t>();
  if (number < least || number > most) {
    throw wrong(key + " is " + std::to_string(number) + ", not in " + std::to_string(least) +
                " … " + std::to_string(most));
  }
  return number;
}

double JsonFields::number(const std::string& key) {
  const Json& found = value(key);
  if (!found.is_number() || !std::isfinite(found.get<double>())) {
    throw wrong(key + " is not a number");
  }
  return found.get<double>();
}

const Json& JsonFields::array(const std::string& key) {
  const Json& found = value(key);
  if (!found.is_array()) throw wrong(key + " is not an array");
  return found;
}

const Json& JsonFields::object(const std::string& key) {
  const Json& found = value(key);
  if (!found.is_object()) throw wrong(key + " is not an object");
  return found;
}

bool JsonFields::has(const std::string& key) const {
  const auto found = m_object.find(key);
  return found != m_object.end() && !found->is_null();
}

void JsonFields::expect_if_there(const std::string& key, const Json& expected) {
  m_taken.insert(key);
  if (!has(key) || m_object.at(key) == expected) return;
  std::string found = dump_json(m_object.at(key));
  if (found.size() > k_max_shown) found = "something long";
  throw wrong(key + " is " + found + "; only " + dump_json(expected) + " is known here");
}

void JsonFields::pass_over(std::initializer_list<const char*> keys) {
  m_taken.insert(keys.begin(), keys.end());
}

void JsonFields::finish() const {
  for (const auto& [key, value] : m_object.items()) {
    if (!m_taken.contains(key)) throw wrong("the key " + key + " is not known");
  }
}

Error JsonFields::wrong(const std::string& why) const {
  return {ErrorKind::k_model, m_where + ": " + why + (m_advice.empty() ? "" : "; " + m_advice)};
}

const Json& JsonFields::value(const std::string& key) {
  m_taken.insert(key);
  const auto found = m_object.find(key);
  if (found == m_object.end()) throw wrong("the key " + key + " is missing");
  return *found;
}

}  // namespace vecdb

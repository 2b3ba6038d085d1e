#include "model/json_fields.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vecdb {

JsonFields::JsonFields(const Json& object, std::string where, std::string remedy)
    : m_object(object), m_where(std::move(where)), m_remedy(std::move(remedy)) {
  if (!object.is_object()) throw wrong("is not an object");
}

bool JsonFields::has(const std::string& key) const {
  const auto found = m_object.find(key);
  return found != m_object.end() && !found->is_null();
}

std::string JsonFields::text(const std::string& key) {
  const Json& value = take(key);
  if (!value.is_string()) throw wrong(key + " is not a string");
  return value.get<std::string>();
}

std::string JsonFields::choice(const std::string& key, std::initializer_list<const char*> known) {
  std::string value = text(key);
  if (std::find(known.begin(), known.end(), value) != known.end()) return value;
  throw wrong(key + " is \"" + value + "\", which is not known to this version of vecdb");
}

bool JsonFields::flag(const std::string& key) {
  const Json& value = take(key);
  if (!value.is_boolean()) throw wrong(key + " is not true or false");
  return value.get<bool>();
}

std::size_t JsonFields::count(const std::string& key, std::uint64_t least, std::uint64_t most) {
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

double JsonFields::number(const std::string& key) {
  const Json& value = take(key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) {
    throw wrong(key + " is not a number");
  }
  return value.get<double>();
}

const Json& JsonFields::array(const std::string& key) {
  const Json& value = take(key);
  if (!value.is_array()) throw wrong(key + " is not an array");
  return value;
}

const Json& JsonFields::object(const std::string& key) {
  const Json& value = take(key);
  if (!value.is_object()) throw wrong(key + " is not an object");
  return value;
}

void JsonFields::finish() const {
  for (const auto& [key, value] : m_object.items()) {
    if (!m_taken.contains(key)) throw wrong("the key " + key + " is not known");
  }
}

Error JsonFields::wrong(const std::string& why) const {
  return {ErrorKind::k_model, m_where + ": " + why + (m_remedy.empty() ? "" : "; " + m_remedy)};
}

const Json& JsonFields::take(const std::string& key) {
  m_taken.insert(key);
  const auto found = m_object.find(key);
  if (found == m_object.end()) throw wrong("the key " + key + " is missing");
  return *found;
}

}  // namespace vecdb

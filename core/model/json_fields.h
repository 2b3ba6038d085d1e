#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace vecdb {

// One object of a JSON file whose keys are asked for by name and type. What is missing, of another
// type or out of range throws k_model with `where`, the key and `remedy`: what to do about it.
// Refers to `object`, which must outlive it.
class JsonFields {
 public:
  JsonFields(const Json& object, std::string where, std::string remedy = "add the model again");

  // Whether the key is there and not null.
  bool has(const std::string& key) const;
  std::string text(const std::string& key);
  // One of `known`.
  std::string choice(const std::string& key, std::initializer_list<const char*> known);
  bool flag(const std::string& key);
  // A whole number from `least` to `most`, both included.
  std::size_t count(const std::string& key, std::uint64_t least, std::uint64_t most);
  // A finite number.
  double number(const std::string& key);
  const Json& array(const std::string& key);
  const Json& object(const std::string& key);

  // Refuses keys that were not asked for.
  void finish() const;

  Error wrong(const std::string& why) const;

 private:
  const Json& take(const std::string& key);

  const Json& m_object;
  std::string m_where;
  std::string m_remedy;
  std::set<std::string> m_taken;
};

}  // namespace vecdb

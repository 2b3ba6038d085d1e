#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace vecdb {

// One object of a model.json whose keys are asked for by name and type; at the end none may be left
// over. What is missing, of another type or out of range throws k_model with `where` and the key.
// Refers to `object`, which must outlive it.
class JsonFields {
 public:
  JsonFields(const Json& object, std::string where);

  std::string text(const std::string& key);
  // One of `known`.
  std::string choice(const std::string& key, std::initializer_list<const char*> known);
  bool flag(const std::string& key);
  // A whole number from `least` to `most`, both included.
  std::size_t count(const std::string& key, std::uint64_t least, std::uint64_t most);
  const Json& array(const std::string& key);
  const Json& object(const std::string& key);

  // Refuses keys that were not asked for.
  void finish() const;

  Error wrong(const std::string& why) const;

 private:
  const Json& take(const std::string& key);

  const Json& m_object;
  std::string m_where;
  std::set<std::string> m_taken;
};

}  // namespace vecdb

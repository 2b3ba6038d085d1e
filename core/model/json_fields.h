#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace vecdb {

// One object of a model's file whose keys are asked for by name and type; at the end none may be
// left over. What is missing, of another type or out of range throws k_model: `where`, the key and
// what is wrong with it, then `advice`. Refers to `object`, which must outlive it.
class JsonFields {
 public:
  JsonFields(const Json& object, std::string where, std::string advice = "add the model again");

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
  const Json& value(const std::string& key);  // of any type

  // Whether the key is there and not null.
  bool has(const std::string& key) const;
  // The key may be absent or null, or must be `expected`.
  void expect_if_there(const std::string& key, const Json& expected);
  // The key may say anything: it has no part in what is read.
  void pass_over(std::initializer_list<const char*> keys);

  // Refuses keys that were not asked for.
  void finish() const;

  Error wrong(const std::string& why) const;
  // For an object in this one: its path goes through `key`.
  std::string where(const std::string& key) const { return m_where + ": " + key; }
  const std::string& advice() const { return m_advice; }

 private:
  const Json& m_object;
  std::string m_where;
  std::string m_advice;
  std::set<std::string> m_taken;
};

}  // namespace vecdb

#pragma once

#include <string_view>

#include "model/tokenizer/id_collector.h"

namespace vecdb {

// Turns one word of a text into the ids of its pieces. Immutable, safe to share by threads.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;

  // `word` is well-formed UTF-8 and not empty.
  virtual void add_word(std::string_view word, IdCollector& ids) const = 0;

 protected:
  SubwordModel() = default;
  SubwordModel(const SubwordModel&) = default;
  SubwordModel& operator=(const SubwordModel&) = default;
};

}  // namespace vecdb

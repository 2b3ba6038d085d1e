#pragma once

#include <string>

#include "console.h"
#include "options.h"
#include "pipeline/query.h"

namespace vecdb {

// Prints answers in one of the formats; --json wins.
class AnswerPrinter {
 public:
  AnswerPrinter(QueryFormat format, const GlobalOptions& global);

  // k_named: in text, the question stands above its answer.
  enum class Question { k_unnamed, k_named };
  void print(const std::string& question, const Answer& answer, Question naming) const;

 private:
  void print_text(const Answer& answer) const;

  QueryFormat m_format;
  Style m_style;
};

}  // namespace vecdb

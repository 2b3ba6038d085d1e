#pragma once

#include <cstddef>
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

// A score as people read it: four decimals.
std::string score_text(double score);

// A passage for eyes: its number in what is printed, its score, where it stands, and its text, wrapped
// to the terminal.
void print_passage(std::size_t number, const std::string& score, const StoredChunk& chunk,
                   const Style& style);

}  // namespace vecdb

#include "answer_printer.h"

#include <cstdio>
#include <set>

#include "pipeline/result_json.h"
#include "wrap.h"

namespace vecdb {

namespace {

void print_json(const std::string& question, const Answer& answer) {
  std::size_t rank = 0;
  for (const Hit& hit : answer.hits) Output::write(hit_json(question, ++rank, hit) + "\n");
}

void print_paths(const Answer& answer) {
  std::set<std::string> seen;
  for (const Hit& hit : answer.hits) {
    if (seen.insert(hit.chunk.document.uri).second) Output::write(hit.chunk.document.uri + "\n");
  }
}

// file:line:column:text, what editors read into their list of places.
void print_vimgrep(const Answer& answer) {
  for (const Hit& hit : answer.hits) {
    const Chunk& chunk = hit.chunk.record.chunk;
    const std::string first_line = chunk.text.substr(0, chunk.text.find('\n'));
    Output::write(hit.chunk.document.uri + ":" + std::to_string(chunk.line) + ":1:" + first_line +
                  "\n");
  }
}

}  // namespace

AnswerPrinter::AnswerPrinter(QueryFormat format, const GlobalOptions& global)
    : m_format(global.json ? QueryFormat::k_json : format), m_style(style_for(global)) {}

void AnswerPrinter::print(const std::string& question, const Answer& answer,
                          Question naming) const {
  switch (m_format) {
    case QueryFormat::k_json:
      return print_json(question, answer);
    case QueryFormat::k_text:
      if (naming == Question::k_named) {
        Output::write(m_style.bold("? " + m_style.shown(question)) + "\n\n");
      }
      return print_text(answer);
    case QueryFormat::k_paths:
      return print_paths(answer);
    case QueryFormat::k_vimgrep:
      return print_vimgrep(answer);
  }
}

void AnswerPrinter::print_text(const Answer& answer) const {
  std::size_t rank = 0;
  for (const Hit& hit : answer.hits) {
    print_passage(++rank, score_text(hit.score), hit.chunk, m_style);
  }
}

std::string score_text(double score) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", score);
  return text;
}

void print_passage(std::size_t number, const std::string& score, const StoredChunk& chunk,
                   const Style& style) {
  const Chunk& passage = chunk.record.chunk;
  Output::write(style.bold(std::to_string(number)) + "  " + score + "  " +
                style.bold(style.shown(chunk.document.uri) + ":" + std::to_string(passage.line)) +
                "\n");
  const std::string text = style.shown(passage.text);
  Output::write((style.terminal ? wrap(text, style.width) : text) + "\n\n");
}

}  // namespace vecdb

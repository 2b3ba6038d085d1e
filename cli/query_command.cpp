#include <unistd.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "chunk_json.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "pipeline/query.h"
#include "pipeline/selection.h"
#include "pipeline/store_model.h"
#include "store_path.h"
#include "wrap.h"

namespace vecdb {

namespace {

constexpr const char* k_question = "the question";

// Seven decimals are what 32-bit components can carry; the ranking uses all digits.
double rounded(double value) { return std::round(value * 1e7) / 1e7; }

void print_json(const std::string& query, const Answer& answer) {
  std::size_t rank = 0;
  for (const Hit& hit : answer.hits) {
    Json line = {{"query", query},
                 {"rank", ++rank},
                 {"score", rounded(hit.score)},
                 {"distance", rounded(hit.distance)}};
    line.update(json_of(hit.chunk));
    const DocumentRecord& document = hit.chunk.document;
    line["type"] = document.type;
    line["size"] = document.size;
    line["mtime_ns"] = document.mtime_ns;
    Output::write(dump_json(line) + "\n");
  }
}

void print_text(const std::string& query, const Answer& answer, const Style& style,
                bool name_query) {
  if (name_query) Output::write(style.bold("? " + style.shown(query)) + "\n\n");
  std::size_t rank = 0;
  for (const Hit& hit : answer.hits) {
    char score[32];
    std::snprintf(score, sizeof score, "%.4f", hit.score);
    Output::write(style.bold(std::to_string(++rank)) + "  " + score + "  " +
                  style.bold(style.shown(hit.chunk.document.uri) + ":" +
                             std::to_string(hit.chunk.record.chunk.line)) +
                  "\n");
    const std::string text = style.shown(hit.chunk.record.chunk.text);
    Output::write((style.terminal ? wrap(text, style.width) : text) + "\n\n");
  }
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

// One store, one model, any number of questions.
class Session {
 public:
  Session(const QueryCommand& command, const GlobalOptions& global)
      : m_command(command),
        m_global(global),
        m_style(style_for(global)),
        m_store(existing_store(global), worker_threads(global)),
        m_embedder(embedder_for_store(m_store.settings(), model_choice(global))) {
    if (!command.filter) return;
    m_selection = select_chunks(m_store, *command.filter);
    warn_of_unknown_keys(m_selection->unknown_keys, global);
  }

  // Whether anything was found. `name`: what messages call the question.
  bool answer(const std::string& query, const std::string& name, bool one_of_many) {
    const auto answer = answer_query(m_store, m_embedder, query,
                                     {.k = m_command.k,
                                      .min_score = m_command.min_score,
                                      .among = m_selection ? &m_selection->chunks : nullptr,
                                      .effort = m_command.effort,
                                      .overflow = m_command.overflow,
                                      .name = name});
    if (!answer) return false;
    if (answer->truncated) {
      print_warning(m_global, name + ": has " + with_thousands(answer->tokens) +
                                  " tokens; the model reads only the first " +
                                  with_thousands(m_embedder.model().manifest().window));
    }
    print(query, *answer, one_of_many);
    Output::flush();
    if (answer->hits.empty()) {
      print_warning(m_global, std::string("nothing found: ") + why_nothing());
    }
    return !answer->hits.empty();
  }

 private:
  const char* why_nothing() const {
    if (m_selection && m_selection->chunks.empty()) return "no passage passes the filter";
    return m_command.min_score ? "no passage scores that high" : "the store holds no passages";
  }

  void print(const std::string& query, const Answer& answer, bool one_of_many) {
    switch (m_global.json ? QueryFormat::k_json : m_command.format) {
      case QueryFormat::k_json:
        return print_json(query, answer);
      case QueryFormat::k_text:
        return print_text(query, answer, m_style, one_of_many);
      case QueryFormat::k_paths:
        return print_paths(answer);
      case QueryFormat::k_vimgrep:
        return print_vimgrep(answer);
    }
  }

  const QueryCommand& m_command;
  const GlobalOptions& m_global;
  Style m_style;
  StoreReader m_store;
  Embedder m_embedder;
  std::optional<Selection> m_selection;  // of the filter, when there is one
};

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
}

int answer_one(const QueryCommand& command, const GlobalOptions& global) {
  if (is_blank(command.text)) {
    throw Error(ErrorKind::k_usage, std::string(k_question) + ": is empty; write one");
  }
  require_utf8(command.text, k_question, ErrorKind::k_usage);
  return Session(command, global).answer(command.text, k_question, false) ? 0 : 1;
}

int answer_lines(const QueryCommand& command, const GlobalOptions& global) {
  Session session(command, global);
  LineReader lines(STDIN_FILENO, "stdin");
  std::size_t asked = 0;
  bool found = false;
  while (const auto line = lines.next()) {
    const std::string where = "stdin: line " + std::to_string(lines.number());
    if (is_blank(*line)) {
      print_warning(global, where + ": is empty and was passed over");
      continue;
    }
    require_utf8(*line, where, ErrorKind::k_io);
    found = session.answer(*line, where, true) || found;
    ++asked;
    if (pending_interrupt() != 0) break;
  }
  if (asked == 0 && pending_interrupt() == 0) {
    throw Error(ErrorKind::k_usage, "stdin: holds no question; write one a line");
  }
  return found ? 0 : 1;
}

}  // namespace

int run(const QueryCommand& command, const GlobalOptions& global) {
  return command.text == "-" ? answer_lines(command, global) : answer_one(command, global);
}

}  // namespace vecdb

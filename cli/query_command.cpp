#include <unistd.h>

#include <memory>
#include <set>

#include "base/error.h"
#include "base/interrupt.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "pipeline/query_session.h"
#include "pipeline/result_json.h"
#include "serve/client.h"
#include "store_path.h"
#include "wrap.h"

namespace vecdb {

namespace {

constexpr const char* k_question = "the question";

void print_json(const std::string& query, const Answer& answer) {
  std::size_t rank = 0;
  for (const Hit& hit : answer.hits) Output::write(hit_json(query, ++rank, hit) + "\n");
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

std::unique_ptr<QuerySession> open_session(const QueryCommand& command,
                                           const GlobalOptions& global) {
  const auto store = existing_store(global);
  const ModelChoice choice = model_choice(global);
  if (global.server == ServerUse::k_never) {
    return open_local_session(store, choice, command.options);
  }
  return open_query_session(store, choice, command.options, server_notice(global));
}

// One store, one model, any number of questions.
class Questions {
 public:
  Questions(const QueryCommand& command, const GlobalOptions& global)
      : m_command(command),
        m_global(global),
        m_style(style_for(global)),
        m_session(open_session(command, global)) {
    warn_of_unknown_keys(m_session->facts().unknown_keys, global);
  }

  // Whether anything was found. `name`: what messages call the question.
  bool answer(const std::string& query, const std::string& name, bool one_of_many) {
    const auto answer = m_session->answer(query, name);
    if (!answer) return false;
    if (answer->truncated) {
      print_warning(m_global, name + ": has " + with_thousands(answer->tokens) +
                                  " tokens; the model reads only the first " +
                                  with_thousands(m_session->facts().window));
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
    if (m_session->facts().nothing_passes) return "no passage passes the filter";
    return m_command.options.min_score ? "no passage scores that high"
                                       : "the store holds no passages";
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
  std::unique_ptr<QuerySession> m_session;
};

int answer_one(const QueryCommand& command, const GlobalOptions& global) {
  if (is_blank(command.text)) {
    throw Error(ErrorKind::k_usage, std::string(k_question) + ": is empty; write one");
  }
  require_utf8(command.text, k_question, ErrorKind::k_usage);
  return Questions(command, global).answer(command.text, k_question, false) ? 0 : 1;
}

int answer_lines(const QueryCommand& command, const GlobalOptions& global) {
  Questions questions(command, global);
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
    found = questions.answer(*line, where, true) || found;
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

#include <unistd.h>

#include <memory>

#include "answer_printer.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "search_session.h"

namespace vecdb {

namespace {

constexpr const char* k_question = "the question";

// One store, one model, any number of questions.
class Questioning {
 public:
  Questioning(const QueryCommand& command, const GlobalOptions& global)
      : m_options(command.options),
        m_global(global),
        m_printer(command.format, global),
        m_session(open_session(command.options, global)) {}

  // Whether anything was found. `name`: what messages call the question.
  bool answer(const std::string& query, const std::string& name, AnswerPrinter::Question naming) {
    const auto answer = m_session->answer(query, name);
    if (!answer) return false;
    if (answer->truncated) {
      print_warning(m_global, name + ": has " + with_thousands(answer->tokens) +
                                  " tokens; the model reads only the first " +
                                  with_thousands(m_session->facts().window));
    }
    m_printer.print(query, *answer, naming);
    Output::flush();
    if (!answer->hits.empty()) return true;
    warn_of_nothing(m_options, m_session->facts(), "the store holds no passages", m_global);
    return false;
  }

 private:
  const QueryOptions& m_options;
  const GlobalOptions& m_global;
  AnswerPrinter m_printer;
  std::unique_ptr<QuerySession> m_session;
};

int answer_one(const QueryCommand& command, const GlobalOptions& global) {
  if (is_blank(command.text)) {
    throw Error(ErrorKind::k_usage, std::string(k_question) + ": is empty; write one");
  }
  require_utf8(command.text, k_question, ErrorKind::k_usage);
  Questioning questions(command, global);
  return questions.answer(command.text, k_question, AnswerPrinter::Question::k_unnamed) ? 0 : 1;
}

int answer_lines(const QueryCommand& command, const GlobalOptions& global) {
  Questioning questions(command, global);
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
    found = questions.answer(*line, where, AnswerPrinter::Question::k_named) || found;
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

#include "record_sources.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace vecdb {

RecordSources::RecordSources(const InputOptions& inputs, Malformed malformed)
    : m_names(named_inputs(inputs)),
      m_may_wait(std::ranges::count(m_names, "-") > 0),
      m_stdin_name(inputs.stdin_name),
      m_malformed(malformed) {}

std::optional<Source> RecordSources::next() {
  if (m_pending) return std::exchange(m_pending, std::nullopt);
  for (;;) {
    if (!m_lines && !open_next_input()) return finish_document();
    const auto line = m_lines->next();
    if (!line) {
      m_lines.reset();
      continue;
    }
    if (line->find_first_not_of(" \t") == std::string::npos) continue;
    if (auto source = read_record(*line)) {
      // A bad line does not end the document around it.
      if (std::holds_alternative<Skipped>(*source)) return source;
      auto finished = finish_document();
      if (!finished) return source;
      m_pending = std::move(source);
      return finished;
    }
    if (m_pending) return std::exchange(m_pending, std::nullopt);
  }
}

bool RecordSources::open_next_input() {
  if (m_next_name == m_names.size()) return false;
  const std::string& name = m_names[m_next_name++];
  if (name == "-") {
    m_uri = m_stdin_name;
    m_lines.emplace(STDIN_FILENO, m_uri, LineEnd::k_text, stop_token());
  } else {
    m_uri = uri_of(name);
    m_file = open_regular_file(name);
    m_lines.emplace(m_file.get(), name);
  }
  return true;
}

// What the line is, unless it is one more chunk of the document that is being collected. Where it
// begins another such document, the finished one is left in m_pending.
std::optional<Source> RecordSources::read_record(const std::string& line) {
  const std::string where = m_uri + ":" + std::to_string(m_lines->number());
  try {
    Record record = parse_record(line, where);
    if (!record.ready_chunk) {
      return NamedBytes{record.uri.empty() ? where : record.uri, std::move(record.text),
                        record.meta.value_or(""), NamedBytes::Content::k_text};
    }
    if (!m_document || m_document->uri != record.uri) {
      m_pending = finish_document();
      m_document = ReadyChunks{std::move(record.uri), {}};
    }
    m_document->chunks.push_back(std::move(*record.ready_chunk));
    return std::nullopt;
  } catch (const Error& error) {
    if (m_malformed == Malformed::k_refuse) {
      throw Error(ErrorKind::k_io, std::string(error.what()) + "; mend it, or leave out --strict");
    }
    return Skipped{where, reason_of(error, where)};
  }
}

std::optional<Source> RecordSources::finish_document() {
  if (!m_document) return std::nullopt;
  return Source(*std::exchange(m_document, std::nullopt));
}

}  // namespace vecdb

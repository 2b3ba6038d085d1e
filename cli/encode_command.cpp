#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/npy.h"
#include "commands.h"
#include "console.h"
#include "inputs.h"
#include "model/embedder.h"
#include "pipeline/overflow.h"
#include "pipeline/store_model.h"
#include "store_path.h"

namespace vecdb {

namespace {

// Texts a call of the encoder: bounded memory, and results while the input still arrives.
constexpr std::size_t k_texts_per_call = 256;

// The words and the adapter that --query, --passage or --task asks for.
Prompt prompt_for(const EncodeCommand& command, const ModelManifest& manifest) {
  if (command.role == EncodeRole::k_query) return manifest.query;
  if (command.role == EncodeRole::k_passage) return manifest.passage;
  if (!command.task) return {};
  const auto found = manifest.tasks.find(*command.task);
  if (found != manifest.tasks.end()) return found->second;
  std::string known;
  for (const auto& [name, prompt] : manifest.tasks) known += (known.empty() ? "" : ", ") + name;
  throw Error(ErrorKind::k_usage, "--task " + *command.task + ": the model " + manifest.name +
                                      " has no such task; " +
                                      (known.empty() ? "leave the flag out" : "it has " + known));
}

std::string text_of_record(const std::string& line, const std::string& where) {
  const Json record = parse_json(line, where, ErrorKind::k_io);
  if (!record.is_object() || !record.contains("text") || !record["text"].is_string()) {
    throw Error(ErrorKind::k_io, where + ": has no \"text\" that is a string");
  }
  return record["text"].get<std::string>();
}

ModelChoice choice_for(const EncodeCommand& command, const GlobalOptions& global) {
  const auto store = store_at_hand(global);
  return store ? model_choice_with_server(global, *store, command.dimensions)
               : model_choice(global, command.dimensions);
}

class Encoding {
 public:
  Encoding(const EncodeCommand& command, const GlobalOptions& global)
      : m_command(command),
        m_global(global),
        m_embedder(embedder_without_store(choice_for(command, global))),
        m_prompt(prompt_for(command, m_embedder.model().manifest())) {}

  void read(int fd, const std::string& name) {
    LineReader lines(fd, name);
    while (auto line = lines.next()) {
      const std::string where = name + ": line " + std::to_string(lines.number());
      if (m_command.jsonl) {
        if (line->find_first_not_of(" \t") == std::string::npos) continue;
        m_texts.push_back(text_of_record(*line, where));
      } else {
        require_utf8(*line, where, ErrorKind::k_io);
        m_texts.push_back(std::move(*line));
      }
      m_places.push_back(where);
      if (m_texts.size() == k_texts_per_call) flush();
    }
  }

  void flush() {
    const std::vector<std::string_view> views(m_texts.begin(), m_texts.end());
    const auto tokenized = m_embedder.tokenize(views, m_prompt, long_text(m_command.overflow));
    check(tokenized);
    const auto vectors = m_embedder.encode(tokenized, m_prompt, VectorLength::k_model);
    if (!vectors) return;
    if (m_command.format == EncodeFormat::k_npy) {
      m_npy.insert(m_npy.end(), vectors->begin(), vectors->end());
    } else {
      for (std::size_t i = 0; i < m_texts.size(); ++i) {
        print(m_done + i, std::span(*vectors).subspan(i * dimension(), dimension()), tokenized[i]);
      }
      Output::flush();
    }
    m_truncated += static_cast<std::size_t>(
        std::ranges::count_if(tokenized, [](const auto& text) { return text.truncated; }));
    m_done += m_texts.size();
    m_texts.clear();
    m_places.clear();
  }

  void finish() {
    if (!m_texts.empty()) flush();
    if (m_command.format == EncodeFormat::k_npy && pending_interrupt() == 0) print_npy();
    if (m_truncated == 0) return;
    print_warning(m_global, counted(m_truncated, "text") +
                                " longer than the model's window: encoded only up to it; "
                                "--on-overflow mean avoids that");
  }

 private:
  std::size_t dimension() const { return m_embedder.dimension(); }

  void check(const std::vector<TokenizedText>& tokenized) const {
    for (std::size_t i = 0; i < tokenized.size(); ++i) {
      if (const auto why = refusal(tokenized[i], m_command.overflow, m_embedder.model())) {
        throw Error(ErrorKind::k_io,
                    m_places[i] + ": " + *why +
                        (m_command.overflow == Overflow::k_mean
                             ? "; let --on-overflow be warn"
                             : "; shorten it, or let --on-overflow be warn or mean"));
      }
    }
  }

  static void print(std::size_t index, std::span<const float> vector, const TokenizedText& text) {
    std::string line = "{\"index\":" + std::to_string(index) + ",\"vector\":[";
    for (std::size_t j = 0; j < vector.size(); ++j) {
      if (j > 0) line += ',';
      append_json_float(line, vector[j]);
    }
    line += "],\"tokens\":" + std::to_string(text.tokens) +
            ",\"truncated\":" + (text.truncated ? "true" : "false") + "}\n";
    Output::write(line);
  }

  void print_npy() const {
    Output::write(npy_header(m_done, dimension()));
    Output::write({reinterpret_cast<const char*>(m_npy.data()), m_npy.size() * sizeof(float)});
  }

  const EncodeCommand& m_command;
  const GlobalOptions& m_global;
  Embedder m_embedder;
  Prompt m_prompt;
  std::vector<std::string> m_texts;
  std::vector<std::string> m_places;  // where each text stands, for errors
  std::vector<float> m_npy;
  std::size_t m_done = 0;
  std::size_t m_truncated = 0;
};

}  // namespace

int run(const EncodeCommand& command, const GlobalOptions& global) {
  Encoding encoding(command, global);
  std::vector<std::string> paths = command.paths;
  if (paths.empty()) paths.emplace_back("-");
  for (const auto& path : paths) {
    if (path == "-") {
      encoding.read(STDIN_FILENO, "stdin");
    } else {
      const FileDescriptor file = open_regular_file(path);
      encoding.read(file.get(), path);
    }
  }
  encoding.finish();
  return 0;
}

}  // namespace vecdb

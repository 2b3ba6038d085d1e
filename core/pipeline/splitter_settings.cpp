#include "pipeline/splitter_settings.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace vecdb {

namespace {

const char* name_of(KeepSeparator keep) {
  switch (keep) {
    case KeepSeparator::k_no:
      break;
    case KeepSeparator::k_start:
      return "start";
    case KeepSeparator::k_end:
      return "end";
  }
  return "no";
}

std::string describe(const SplitterOptions& options, const Model* model) {
  Json settings = Json::object();
  switch (options.kind) {
    case SplitterKind::k_character:
      settings["splitter"] = "character";
      settings["separator"] = options.separators.front();
      break;
    case SplitterKind::k_recursive:
      settings["splitter"] = "recursive";
      settings["separators"] = options.separators;
      break;
    case SplitterKind::k_sentence:
      settings["splitter"] = "sentence";
      break;
  }
  if (options.kind != SplitterKind::k_sentence) {
    settings["regex"] = options.separator_kind == SeparatorKind::k_regex;
    settings["keep_separator"] = name_of(*options.keep_separator);
  }
  settings["strip"] = options.whitespace == Whitespace::k_strip;
  settings["chunk_size"] = *options.chunk_size;
  settings["chunk_overlap"] = options.chunk_overlap;
  if (model != nullptr) settings["tokens_of"] = model->fingerprint();
  return dump_json(settings);
}

std::size_t checked_size(const SplitterOptions& options, const Model& model, std::size_t room) {
  const std::size_t size = options.chunk_size.value_or(room);
  if (size <= room) return size;
  throw Error(ErrorKind::k_usage,
              "--chunk-size " + std::to_string(size) + ": the model " + model.manifest().name +
                  " has room for " + std::to_string(room) + " tokens of a text; give at most that");
}

}  // namespace

TokenMeasure::TokenMeasure(const Model& model) : m_model(model), m_overhead(0) {
  m_overhead = length("");
}

std::size_t TokenMeasure::length(std::string_view text) const {
  const ModelManifest& manifest = m_model.manifest();
  const std::string& prefix = manifest.passage.prefix;
  const std::size_t tokens =
      prefix.empty()
          ? m_model.tokenizer().tokenize(text, manifest.window).full_length
          : m_model.tokenizer().tokenize(prefix + std::string(text), manifest.window).full_length;
  return tokens - std::min(tokens, m_overhead);
}

std::size_t TokenMeasure::room() const noexcept { return m_model.manifest().window - m_overhead; }

Splitting make_splitting(const SplitterOptions& options, const Model* model) {
  Splitting splitting{
      .options = with_defaults(options), .measure = {}, .splitter = {}, .description = {}};
  const bool counts_tokens = options.length == LengthUnit::k_tokens;
  if (counts_tokens) {
    auto measure = std::make_shared<const TokenMeasure>(*model);
    splitting.options.chunk_size = checked_size(options, *model, measure->room());
    splitting.measure = std::move(measure);
  }
  // Of the options as they came, so that a flag without a meaning is told from a default.
  SplitterOptions given = options;
  given.chunk_size = splitting.options.chunk_size;
  splitting.splitter = make_splitter(given, splitting.measure);
  splitting.description = describe(splitting.options, counts_tokens ? model : nullptr);
  return splitting;
}

}  // namespace vecdb

#include "pipeline/splitter_settings.h"

#include "base/json.h"

namespace vecdb {

std::string describe(const SplitterOptions& options) {
  const SplitterOptions full = with_defaults(options);
  const char* keep = full.keep_separator == KeepSeparator::k_start ? "start"
                     : full.keep_separator == KeepSeparator::k_end ? "end"
                                                                   : "no";
  Json settings = Json::object();
  if (full.kind == SplitterKind::k_character) {
    settings["splitter"] = "character";
    settings["separator"] = full.separators.front();
  } else {
    settings["splitter"] = "recursive";
    settings["separators"] = full.separators;
  }
  settings["regex"] = full.separator_kind == SeparatorKind::k_regex;
  settings["keep_separator"] = keep;
  settings["strip"] = full.whitespace == Whitespace::k_strip;
  settings["chunk_size"] = full.chunk_size;
  settings["chunk_overlap"] = full.chunk_overlap;
  return dump_json(settings);
}

}  // namespace vecdb

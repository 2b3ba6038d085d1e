#include "pipeline/splitter_settings.h"

#include "base/json.h"

namespace vecdb {

std::string describe(const SplitterOptions& options) {
  const char* keep = options.keep_separator == KeepSeparator::k_start ? "start"
                     : options.keep_separator == KeepSeparator::k_end ? "end"
                                                                      : "no";
  return dump_json({{"splitter", "character"},
                    {"separator", options.separator},
                    {"regex", options.separator_kind == SeparatorKind::k_regex},
                    {"keep_separator", keep},
                    {"strip", options.whitespace == Whitespace::k_strip},
                    {"chunk_size", options.chunk_size},
                    {"chunk_overlap", options.chunk_overlap}});
}

}  // namespace vecdb

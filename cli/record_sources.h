#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inputs.h"
#include "pipeline/ingest.h"
#include "text/load/record.h"

namespace vecdb {

// The documents of JSON Lines inputs, one at a time: a record with a text is one, and so are
// consecutive ready chunks of one uri. A record without uri is named URI:LINE, after the input. A
// line that is no record is passed on as skipped.
class RecordSources final : public SourceStream {
 public:
  // Where malformed lines are refused, next() throws k_io at the first.
  RecordSources(const InputOptions& inputs, Malformed malformed);

  std::optional<Source> next() override;
  bool may_wait() const override { return m_may_wait; }

 private:
  bool open_next_input();
  std::optional<Source> read_record(const std::string& line);
  std::optional<Source> finish_document();

  std::vector<std::string> m_names;
  bool m_may_wait;
  std::string m_stdin_name;
  Malformed m_malformed;
  std::size_t m_next_name = 0;
  std::string m_uri;  // of the input that is read
  FileDescriptor m_file;
  std::optional<LineReader> m_lines;
  std::optional<ReadyChunks> m_document;  // whose chunks are being collected
  std::optional<Source> m_pending;        // found while another had to be finished first
};

}  // namespace vecdb

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "inputs.h"
#include "pipeline/ingest.h"
#include "text/load/file_walk.h"

namespace vecdb {

// What the paths, --files-from and "-" stand for, in the order given, one at a time: files, stdin,
// and what is skipped. Folders are walked while they are asked for; a file that is named twice, or
// lies in two folders that are named, comes twice. Ends early when the program was asked to stop.
class FileSources final : public SourceStream {
 public:
  // Throws as InputNames does. `options` must outlive it.
  explicit FileSources(const InputOptions& options);

  std::optional<Source> next() override;
  std::uint64_t total() const override { return m_total; }
  bool may_wait() const override { return m_may_wait; }

  // Walks once more, ahead, so that total() is known: for who wants to see how much is left. Not
  // known with a list, which may still be in the writing.
  void count();

 private:
  std::optional<Source> open(const InputName& name);
  std::optional<Source> take_stdin() const;

  const InputOptions& m_options;
  InputNames m_names;
  bool m_may_wait;
  std::uint64_t m_total = 0;
  std::optional<FileWalk> m_walk;  // of the folder that is being walked
};

}  // namespace vecdb

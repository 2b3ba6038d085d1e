#pragma once

#include "console.h"
#include "options.h"
#include "pipeline/ingest.h"

namespace vecdb {

// Prints what an ingest or an import does, while it does it: with --json a line for each document,
// else only what is skipped, or with -v each document.
class IngestReporter final : public IngestObserver {
 public:
  explicit IngestReporter(const GlobalOptions& global) : m_global(global), m_progress(global) {}

  bool shows_progress() const { return m_progress.is_shown(); }
  void end_progress() { m_progress.clear(); }

  void on_event(const IngestEvent& event) override;
  void on_warning(const std::string& message) override;
  void on_progress(const IngestProgress& progress) override;

 private:
  const GlobalOptions& m_global;
  ProgressLine m_progress;
};

// The last line. `unit`: of the lengths that it may tell of.
void print_summary(const IngestSummary& summary, LengthUnit unit, const GlobalOptions& global);

}  // namespace vecdb

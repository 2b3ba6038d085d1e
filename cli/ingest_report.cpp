#include "ingest_report.h"

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "inputs.h"

namespace vecdb {

namespace {

// 3725 -> "1:02:05"
std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  char text[32];
  if (whole < 3600) {
    std::snprintf(text, sizeof text, "%llu:%02llu", whole / 60ULL, whole % 60ULL);
  } else {
    std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", whole / 3600ULL, whole / 60ULL % 60ULL,
                  whole % 60ULL);
  }
  return text;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", seconds);
  return text;
}

// What each stage took; they overlap. The encoder is to be the one that never waits.
void print_stages(const IngestSummary& summary) {
  const auto row = [](const std::string& stage, double seconds, const std::string& note) {
    std::string time = seconds_text(seconds);
    time.insert(0, std::max<std::size_t>(time.size(), 10) - time.size(), ' ');
    print_error((stage + "        ").substr(0, 8) + time + note);
  };
  row("load", summary.load_seconds, "  of all jobs together");
  row("split", summary.split_seconds, "  likewise");
  row("encode", summary.encode_seconds,
      "  of it " + seconds_text(summary.tokenize_seconds) + " tokenizing; waited " +
          seconds_text(summary.encoder_idle_seconds) + " for texts");
  row("store", summary.store_seconds, "");
  row("all", summary.total_seconds, "  by the clock: stages overlap");
}

void warn_of_fits(const FitCounts& fits, const GlobalOptions& global) {
  if (fits.truncated > 0) {
    print_warning(global, counted(fits.truncated, "chunk") +
                              " longer than the model's window: encoded only up to it; a smaller "
                              "--chunk-size, or --on-overflow split or mean, avoids that");
  }
  if (fits.split > 0) {
    print_warning(global, counted(fits.split, "chunk") +
                              " made by splitting chunks longer than the model's window");
  }
  if (fits.averaged > 0) {
    print_warning(global, counted(fits.averaged, "chunk") +
                              " longer than the model's window: encoded in parts, each vector the "
                              "mean of its parts'");
  }
}

void print_text(const IngestSummary& summary, LengthUnit unit, const GlobalOptions& global) {
  const auto count = [](std::uint64_t number) { return with_thousands(number); };
  print_warning(global, count(summary.added) + " added, " + count(summary.changed) + " changed, " +
                            count(summary.unchanged) + " unchanged, " +
                            (summary.removed > 0 ? count(summary.removed) + " removed, " : "") +
                            count(summary.skipped) + " skipped; " +
                            counted(summary.chunks, "chunk") + ", " +
                            (summary.reused > 0 ? count(summary.reused) + " reused, " : "") +
                            counted(summary.tokens, "token"));
  if (summary.remade > 0) {
    print_warning(global, counted(summary.remade, "document") +
                              " made again although unchanged: the settings are others");
  }
  if (summary.line_end_troubles > 0) {
    print_warning(global,
                  counted(summary.line_end_troubles, "document") + " with " + k_line_end_trouble);
  }
  warn_of_lengths(summary.lengths, unit, global);
  warn_of_fits(summary.fits, global);
  if (global.verbosity == Verbosity::k_verbose) print_stages(summary);
  if (summary.interrupted) print_warning(global, "interrupted: what is counted above is stored");
}

void print_json(const IngestSummary& summary) {
  const Json figures = {{"added", summary.added},
                        {"changed", summary.changed},
                        {"unchanged", summary.unchanged},
                        {"removed", summary.removed},
                        {"skipped", summary.skipped},
                        {"remade", summary.remade},
                        {"chunks", summary.chunks},
                        {"reused", summary.reused},
                        {"tokens", summary.tokens},
                        {"truncated", summary.fits.truncated},
                        {"split", summary.fits.split},
                        {"averaged", summary.fits.averaged},
                        {"oversize", summary.lengths.oversize},
                        {"longest", summary.lengths.longest},
                        {"seconds",
                         {{"load", summary.load_seconds},
                          {"split", summary.split_seconds},
                          {"encode", summary.encode_seconds},
                          {"tokenize", summary.tokenize_seconds},
                          {"idle", summary.encoder_idle_seconds},
                          {"store", summary.store_seconds},
                          {"total", summary.total_seconds}}},
                        {"interrupted", summary.interrupted}};
  Output::write(dump_json({{"summary", figures}}) + "\n");
}

}  // namespace

void IngestReporter::on_event(const IngestEvent& event) {
  if (event.status == IngestStatus::k_skipped) {
    m_progress.clear();
    print_error(event.uri + ": skipped: " + event.reason);
  } else if (m_global.verbosity == Verbosity::k_verbose) {
    m_progress.clear();
    print_error(event.uri + ": " + name_of(event.status) + ", " + counted(event.chunks, "chunk"));
  }
  if (!m_global.json) return;
  Json line = {{"uri", event.uri},
               {"status", name_of(event.status)},
               {"sha256", event.sha256},
               {"chunks", event.chunks}};
  if (event.status == IngestStatus::k_skipped) line["reason"] = event.reason;
  Output::write(dump_json(line) + "\n");
  Output::flush();  // a commit that is reported is durable; whoever listens hears of it at once
}

void IngestReporter::on_warning(const std::string& message) {
  m_progress.clear();
  print_warning(m_global, message);
}

void IngestReporter::on_progress(const IngestProgress& progress) {
  const auto [done, total, chunks, tokens, seconds] = progress;
  const auto rate = static_cast<double>(tokens) / std::max(seconds, 0.1);
  std::string line = with_thousands(done) + (total > 0 ? " of " + with_thousands(total) : "") +
                     " documents, " + with_thousands(chunks) + " chunks, " +
                     with_thousands(static_cast<std::uint64_t>(rate)) + " tokens/s";
  double share = -1;
  if (total > 0) {
    share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    if (share > 0) line += ", " + duration_text(seconds * (1 - share) / share) + " left";
  }
  m_progress.show(share, line);
}

void print_summary(const IngestSummary& summary, LengthUnit unit, const GlobalOptions& global) {
  if (global.json) print_json(summary);
  print_text(summary, unit, global);
}

}  // namespace vecdb

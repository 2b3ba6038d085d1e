#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "options.h"

// What the program prints. Results go to stdout through Output; everything else to stderr.
namespace vecdb {

// Gives the descriptors 0, 1 and 2, where they are closed, to something that can be neither read nor
// written. Else the next file that is opened, perhaps one of a store, would be stdin, stdout or
// stderr, and what is printed would end in it.
void occupy_closed_descriptors();

// Thrown when the reader of stdout has gone away: the program ends, quietly.
struct ClosedPipe {};

// Buffered stdout. Throws ClosedPipe, and k_io when it cannot be written (a full disk).
class Output {
 public:
  static void write(std::string_view text);
  static void flush();
};

// How to print for the reader at hand.
struct Style {
  bool terminal = false;  // stdout is one: wrap, and show control characters escaped
  bool color = false;
  std::size_t width = 80;

  std::string bold(std::string_view text) const;
  std::string dim(std::string_view text) const;
  // On a terminal, control characters other than newline and tab in \x1b form, so that a document
  // cannot steer it; elsewhere the text as it is.
  std::string shown(std::string_view text) const;
};

Style style_for(const GlobalOptions& options);

// "vecdb: MESSAGE" on stderr: one line, whatever the message holds.
void print_error(std::string_view message);
// The same, unless -q.
void print_warning(const GlobalOptions& options, std::string_view message);

// A line that is drawn anew in place on a terminal, or a line every few seconds with
// --progress=plain; nothing otherwise.
class ProgressLine {
 public:
  explicit ProgressLine(const GlobalOptions& options);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool is_shown() const { return m_mode != Mode::k_off; }
  // `share` of the work that is done, from 0 to 1, draws a bar; less than 0: not known.
  void show(double share, const std::string& text);
  void clear();  // before something else is printed to the terminal

 private:
  enum class Mode { k_off, k_in_place, k_lines };
  Mode m_mode = Mode::k_off;
  bool m_drawn = false;
  double m_next_time = 0;
};

// 1234567 -> "1,234,567"
std::string with_thousands(std::uint64_t number);

// "1 chunk", "1,234 chunks"
std::string counted(std::uint64_t number, const std::string& singular);

}  // namespace vecdb

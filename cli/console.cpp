#include "console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"

namespace vecdb {

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool color_wanted(Color color, bool terminal) {
  if (color != Color::k_auto) return color == Color::k_always;
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  if (no_color != nullptr && no_color[0] != '\0') return false;
  const char* term = std::getenv("TERM");
  return terminal && term != nullptr && std::string_view(term) != "dumb";
}

std::string escaped_byte(unsigned char byte) {
  constexpr std::string_view k_digits = "0123456789abcdef";
  return {'\\', 'x', k_digits[byte >> 4U], k_digits[byte & 0x0FU]};
}

// C0 controls and DEL, and C1 controls in UTF-8 (C2 80 … C2 9F), which some terminals obey too.
std::string without_controls(std::string_view text, bool keep_layout) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool layout = keep_layout && (byte == '\n' || byte == '\t');
    if ((byte < 0x20 && !layout) || byte == 0x7F) {
      result += escaped_byte(byte);
    } else if (byte == 0xC2 && i + 1 < text.size() &&
               static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      result += escaped_byte(static_cast<unsigned char>(text[++i]));
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

constexpr std::size_t k_buffer_bytes = std::size_t{64} << 10U;

// What stands to be written to stdout. Not stdio's buffer: that loses what it holds when a signal
// interrupts a write.
std::string& pending_output() {
  static std::string pending;
  return pending;
}

void write_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EPIPE) {
      throw ClosedPipe{};
    } else if (errno != EINTR || pending_interrupt() != 0) {  // a full pipe must not keep it
      throw Error(ErrorKind::k_io, "stdout: cannot write: " + last_system_error());
    }
  }
}

std::size_t terminal_width(int fd) {
  winsize size{};
  constexpr std::size_t k_usual = 80;
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : k_usual;
}

// "[=====>    ]"
std::string bar(double share) {
  constexpr std::size_t k_cells = 10;
  const auto full = std::min(static_cast<std::size_t>(share * k_cells), k_cells);
  return "[" + std::string(full, '=') + (full < k_cells ? ">" : "") +
         std::string(k_cells - std::min(full + 1, k_cells), ' ') + "]";
}

}  // namespace

void occupy_closed_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", O_PATH);  // takes the lowest: this one
  }
}

void Output::write(std::string_view text) {
  pending_output() += text;
  if (pending_output().size() >= k_buffer_bytes) flush();
}

void Output::flush() {
  // What fails once is not tried again: it was told of.
  write_output(std::exchange(pending_output(), {}));
}

std::string Style::bold(std::string_view text) const {
  return color ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
}

std::string Style::dim(std::string_view text) const {
  return color ? "\x1b[2m" + std::string(text) + "\x1b[0m" : std::string(text);
}

std::string Style::shown(std::string_view text) const {
  return terminal ? without_controls(text, true) : std::string(text);
}

Style style_for(const GlobalOptions& options) {
  Style style;
  style.terminal = ::isatty(STDOUT_FILENO) == 1;
  style.color = color_wanted(options.color, style.terminal);
  if (style.terminal) style.width = terminal_width(STDOUT_FILENO);
  return style;
}

void print_error(std::string_view message) {
  const std::string line = "vecdb: " + without_controls(message, false) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void print_warning(const GlobalOptions& options, std::string_view message) {
  if (options.verbosity != Verbosity::k_quiet) print_error(message);
}

ProgressLine::ProgressLine(const GlobalOptions& options) {
  if (options.verbosity == Verbosity::k_quiet || options.progress == Progress::k_never) return;
  if (options.progress == Progress::k_plain) {
    m_mode = Mode::k_lines;
  } else if (::isatty(STDERR_FILENO) == 1) {
    m_mode = Mode::k_in_place;
  }
}

ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::show(double share, const std::string& text) {
  if (m_mode == Mode::k_off) return;
  const double now = seconds_now();
  if (now < m_next_time) return;
  m_next_time = now + (m_mode == Mode::k_lines ? 3.0 : 0.1);
  std::string line = text;
  if (m_mode == Mode::k_lines) {
    line += "\n";
  } else {
    if (share >= 0) line = bar(share) + " " + line;
    line.resize(std::min(line.size(), terminal_width(STDERR_FILENO) - 1));  // it is ASCII
    line.insert(0, "\r\x1b[K");
  }
  std::fwrite(line.data(), 1, line.size(), stderr);
  m_drawn = m_mode == Mode::k_in_place;
}

void ProgressLine::clear() {
  if (m_drawn) std::fputs("\r\x1b[K", stderr);
  m_drawn = false;
}

std::string with_thousands(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), ",");
  }
  return digits;
}

std::string counted(std::uint64_t number, const std::string& singular) {
  return with_thousands(number) + " " + singular + (number == 1 ? "" : "s");
}

}  // namespace vecdb

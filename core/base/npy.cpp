#include "base/npy.h"

#include <bit>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"

namespace vecdb {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view k_magic = "\x93NUMPY";
constexpr std::size_t k_before_text = 10;  // magic, version, length of the text: format 1.0

// The text of a header: a Python dictionary of three keys, in any order.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& name) : m_text(text), m_name(name) {}

  // The two sizes.
  std::pair<std::uint64_t, std::uint64_t> parse() {
    require('{');
    while (!take('}')) {
      parse_member(string());
      if (take(',')) continue;
      require('}');
      break;
    }
    skip_spaces();
    if (!m_text.empty() || m_descr.empty() || m_order.empty() || !m_shape) refuse_form();
    if (m_descr != "<f4") refuse("holds " + m_descr + ", not 32-bit floats (<f4)");
    if (m_order != "False") refuse("holds an array in Fortran's order; save it in C's");
    if (m_shape->size() != 2) {
      refuse("holds an array of " + std::to_string(m_shape->size()) + " dimensions, not of 2");
    }
    return {(*m_shape)[0], (*m_shape)[1]};
  }

 private:
  void parse_member(std::string_view key) {
    require(':');
    if (key == "descr" && m_descr.empty()) {
      m_descr = string();
    } else if (key == "fortran_order" && m_order.empty()) {
      m_order = word();
      if (m_order != "False" && m_order != "True") refuse_form();
    } else if (key == "shape" && !m_shape) {
      m_shape = tuple();
    } else {
      refuse_form();
    }
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> numbers;
    require('(');
    while (!take(')')) {
      skip_spaces();
      std::uint64_t number = 0;
      const char* const end = m_text.data() + m_text.size();
      const auto [stop, error] = std::from_chars(m_text.data(), end, number);
      if (error != std::errc()) refuse_form();
      m_text.remove_prefix(static_cast<std::size_t>(stop - m_text.data()));
      numbers.push_back(number);
      if (take(',')) continue;
      require(')');
      break;
    }
    return numbers;
  }

  std::string_view string() {
    skip_spaces();
    const char quote = m_text.empty() ? '\0' : m_text.front();
    if (quote != '\'' && quote != '"') refuse_form();
    const auto end = m_text.find(quote, 1);
    if (end == std::string_view::npos) refuse_form();
    const std::string_view found = m_text.substr(1, end - 1);
    m_text.remove_prefix(end + 1);
    return found;
  }

  std::string_view word() {
    skip_spaces();
    std::size_t length = 0;
    while (length < m_text.size() && ((m_text[length] | 0x20) >= 'a' && (m_text[length] | 0x20) <= 'z'))
      ++length;
    const std::string_view found = m_text.substr(0, length);
    m_text.remove_prefix(length);
    return found;
  }

  bool take(char wanted) {
    skip_spaces();
    if (!m_text.starts_with(wanted)) return false;
    m_text.remove_prefix(1);
    return true;
  }

  void require(char wanted) {
    if (!take(wanted)) refuse_form();
  }

  void skip_spaces() {
    const auto first = m_text.find_first_not_of(" \t\r\n");
    m_text.remove_prefix(first == std::string_view::npos ? m_text.size() : first);
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::k_io, m_name + ": " + why);
  }
  [[noreturn]] void refuse_form() const { refuse("its header is not that of a .npy file"); }

  std::string_view m_text;
  const std::string& m_name;
  std::string m_descr;
  std::string m_order;
  std::optional<std::vector<std::uint64_t>> m_shape;
};

}  // namespace

std::string npy_header(std::uint64_t rows, std::uint64_t columns) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) +
                     ", " + std::to_string(columns) + "), }";
  text.append(63 - (k_before_text + text.size()) % 64, ' ');
  text.push_back('\n');
  std::string header(k_magic);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xFFU),
             static_cast<char>(text.size() >> 8U)};
  return header + text;
}

bool looks_like_npy(std::string_view begin) { return begin.starts_with(k_magic); }

NpyShape parse_npy_header(std::string_view begin, std::uint64_t file_bytes,
                          const std::string& name) {
  const auto refuse = [&name](const std::string& why) {
    throw Error(ErrorKind::k_io, name + ": " + why);
  };
  if (!looks_like_npy(begin) || begin.size() < k_before_text) refuse("is not a .npy file");
  const auto byte = [begin](std::size_t at) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(begin[at]));
  };
  // Versions 2 and 3 have four bytes for the length in place of two.
  std::size_t text_begin = k_before_text;
  std::uint64_t text_bytes = byte(8) | byte(9) << 8U;
  if (byte(6) == 2 || byte(6) == 3) {
    text_begin = 12;
    if (begin.size() < text_begin) refuse("ends inside its header");
    text_bytes |= byte(10) << 16U | byte(11) << 24U;
  } else if (byte(6) != 1) {
    refuse("is of version " + std::to_string(byte(6)) + " of the .npy format, which is not known");
  }
  if (text_bytes > k_most_npy_header - text_begin) refuse("its header is longer than 64 KiB");
  if (begin.size() < text_begin + text_bytes) refuse("ends inside its header");
  const auto [rows, columns] = HeaderText(begin.substr(text_begin, text_bytes), name).parse();
  std::uint64_t bytes = 0;
  if (columns == 0 || __builtin_mul_overflow(rows, columns, &bytes) ||
      __builtin_mul_overflow(bytes, std::uint64_t{sizeof(float)}, &bytes) ||
      __builtin_add_overflow(bytes, text_begin + text_bytes, &bytes) || bytes != file_bytes) {
    refuse("has " + std::to_string(file_bytes) + " bytes, which is not what an array of " +
           std::to_string(rows) + " × " + std::to_string(columns) + " floats takes");
  }
  return {.rows = rows, .columns = columns, .data = text_begin + text_bytes};
}

}  // namespace vecdb

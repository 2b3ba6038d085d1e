#include "text/split/python_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace vecdb {

namespace {

// PCRE2 counts the steps of one attempt against the match limit. A lazy `.*?` takes a few a
// character, so that the limit grows with the text; what passes it is exponential.
constexpr std::uint64_t k_min_match_limit = 50'000'000;
constexpr std::uint64_t k_match_limit_per_byte = 4;
constexpr std::uint32_t k_heap_limit_kib = 256 * 1024;
constexpr std::size_t k_jit_stack_start = std::size_t{32} * 1024;
constexpr std::size_t k_jit_stack_max = std::size_t{16} * 1024 * 1024;
// Every lookaround and class may add a pair of ( ) to those of the expression.
constexpr std::uint32_t k_max_parentheses = 1000;

template <typename T, void (*free_it)(T*)>
struct Freer {
  void operator()(T* object) const { free_it(object); }
};
template <typename T, void (*free_it)(T*)>
using Owned = std::unique_ptr<T, Freer<T, free_it>>;

using Code = Owned<pcre2_code, pcre2_code_free>;
using CompileContext = Owned<pcre2_compile_context, pcre2_compile_context_free>;
using MatchContext = Owned<pcre2_match_context, pcre2_match_context_free>;
using MatchData = Owned<pcre2_match_data, pcre2_match_data_free>;
using JitStack = Owned<pcre2_jit_stack, pcre2_jit_stack_free>;

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

PCRE2_SPTR code_units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

std::string separator_flag(std::string_view expression) {
  return "--separator " + dump_json(std::string(expression));
}

struct PythonRegex::Impl {
  std::string shown;
  Code code;
};

PythonRegex::PythonRegex(std::string_view expression, WholeMatch whole)
    : m_impl(std::make_unique<Impl>()) {
  m_impl->shown = separator_flag(expression);
  const std::string pattern = translate_python_regex(expression, whole);
  const CompileContext context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context.get(), k_max_parentheses);
  int error = 0;
  PCRE2_SIZE offset = 0;
  m_impl->code.reset(pcre2_compile(code_units(pattern), pattern.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL, &error, &offset,
                                   context.get()));
  if (!m_impl->code) {
    throw Error(ErrorKind::k_usage, m_impl->shown + ": is not supported: " + pcre2_message(error) +
                                        "; write a simpler expression");
  }
  // Without JIT, which some systems forbid, the same code is interpreted.
  pcre2_jit_compile(m_impl->code.get(), PCRE2_JIT_COMPLETE);
}

PythonRegex::~PythonRegex() = default;

struct RegexMatches::Impl {
  const PythonRegex::Impl& regex;
  std::string_view text;
  MatchData data;
  MatchContext context;
  JitStack jit_stack;
  ByteRange last;
  bool found_any = false;

  int match(std::uint32_t options) const {
    return pcre2_match(regex.code.get(), code_units(text), text.size(), last.end,
                       options | PCRE2_NO_UTF_CHECK, data.get(), context.get());
  }
};

RegexMatches::RegexMatches(const PythonRegex& regex, std::string_view text)
    : m_impl(new Impl{.regex = *regex.m_impl,
                      .text = text.data() == nullptr ? std::string_view("") : text,
                      .data = MatchData(
                          pcre2_match_data_create_from_pattern(regex.m_impl->code.get(), nullptr)),
                      .context = MatchContext(pcre2_match_context_create(nullptr)),
                      .jit_stack = {},
                      .last = {},
                      .found_any = false}) {
  const std::uint64_t limit =
      std::max(k_min_match_limit, k_match_limit_per_byte * std::uint64_t{text.size()});
  pcre2_set_match_limit(m_impl->context.get(),
                        static_cast<std::uint32_t>(std::min<std::uint64_t>(
                            limit, std::numeric_limits<std::uint32_t>::max())));
  pcre2_set_heap_limit(m_impl->context.get(), k_heap_limit_kib);
}

RegexMatches::~RegexMatches() = default;

bool RegexMatches::next() {
  const bool after_empty = m_impl->found_any && m_impl->last.size() == 0;
  const std::uint32_t options = after_empty ? PCRE2_NOTEMPTY_ATSTART : 0;
  int result = m_impl->match(options);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT && !m_impl->jit_stack) {
    // Seldom wanted, and dear when a text has many parts that are searched one by one.
    m_impl->jit_stack.reset(pcre2_jit_stack_create(k_jit_stack_start, k_jit_stack_max, nullptr));
    pcre2_jit_stack_assign(m_impl->context.get(), nullptr, m_impl->jit_stack.get());
    result = m_impl->match(options);
  }
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = m_impl->match(options | PCRE2_NO_JIT);
  if (result == PCRE2_ERROR_NOMATCH) return false;
  if (result < 0) {
    const bool too_long = result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_HEAPLIMIT ||
                          result == PCRE2_ERROR_DEPTHLIMIT;
    throw Error(ErrorKind::k_io,
                m_impl->regex.shown + ": " +
                    (too_long ? "takes too long on this text" : pcre2_message(result)) +
                    "; write a simpler expression");
  }
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(m_impl->data.get());
  m_impl->last = {offsets[0], offsets[1]};
  m_impl->found_any = true;
  return true;
}

std::optional<ByteRange> RegexMatches::group(std::size_t number) const {
  const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(m_impl->data.get());
  if (offsets[2 * number] == PCRE2_UNSET) return std::nullopt;
  return ByteRange{offsets[2 * number], offsets[2 * number + 1]};
}

std::size_t RegexMatches::group_count() const {
  return pcre2_get_ovector_count(m_impl->data.get()) - 1;
}

}  // namespace vecdb

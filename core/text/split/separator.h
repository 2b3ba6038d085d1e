#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "text/split/byte_range.h"
#include "text/split/splitter.h"

namespace vecdb {

class PythonRegex;

// What stands between two separators, with a kept separator: one stretch of the text, or two when
// the separator came from a group of the expression and does not lie beside it.
struct Piece {
  ByteRange first;
  ByteRange second = {};  // may be empty

  bool is_one_stretch() const { return second.size() == 0; }
  ByteRange covered() const { return is_one_stretch() ? first : cover(first, second); }
  Piece shifted(std::size_t bytes) const { return {first.shifted(bytes), second.shifted(bytes)}; }
};

// The text of a piece. `joined` holds it when it is not one stretch of `text`.
std::string_view text_of(const Piece& piece, std::string_view text, std::string& joined);

// A text to split at: a string, an expression of Python's `re`, or nothing, which splits between
// any two code points. Immutable: safe to use from several threads.
class Separator {
 public:
  using PieceSink = std::function<void(const Piece&)>;

  // Throws k_usage for an expression that is not valid or not supported.
  Separator(std::string text, SeparatorKind kind, KeepSeparator keep);
  Separator(Separator&&) noexcept;
  ~Separator();

  const std::string& text() const { return m_text; }
  // A string, or an expression without anything but the string that it matches.
  bool is_plain() const { return m_regex == nullptr; }

  // Hands out what Python's re.split makes of `text`, put together with the kept separators as
  // LangChain does; empty pieces are left out. Throws k_io for groups that it cannot put together,
  // and for an expression that exceeds PCRE2's limits.
  void split(std::string_view text, const PieceSink& sink) const;

 private:
  void split_at_string(std::string_view text, const PieceSink& sink) const;
  void split_at_regex(std::string_view text, const PieceSink& sink) const;

  std::string m_text;
  KeepSeparator m_keep;
  std::unique_ptr<PythonRegex> m_regex;
};

// Whether an expression has no character that means something else than itself.
bool is_literal(std::string_view expression);

// Where `string`, which is not empty, stands first in `text` from `offset` on; npos when nowhere.
// Linear, which string_view::find is not.
std::size_t find_string(std::string_view text, std::string_view string, std::size_t offset);

}  // namespace vecdb

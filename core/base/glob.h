#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vecdb {

// A glob over the bytes of a path, with the meaning that git gives to it (wildmatch with
// WM_PATHNAME in git's wildmatch.c):
//
//   *        any bytes but '/'
//   ?        one byte that is no '/'
//   [a-z]    one byte of a set; [!…] and [^…] negate it, [[:alpha:]] names ASCII classes
//   **/      at the start or behind a '/': nothing, or any folders
//   /**      at the end: everything below
//   \x       x itself
//
// As in git, what stands in front of the first of *?[\ is compared as it stands and what follows is
// a glob of its own: "a**/b" is "a" and then "**/b".
//
// Matching takes at most the product of the two lengths, whatever the glob: all ways to match are
// followed at the same time, none is tried again.
class Glob {
 public:
  explicit Glob(std::string_view pattern);

  bool matches(std::string_view path) const;

  // False for what git accepts, and no path ever matches: a set that does not end, an unknown
  // class, a backslash at the end.
  bool is_valid() const noexcept { return m_valid; }

 private:
  enum class Kind : std::uint8_t {
    k_byte,
    k_any,            // one byte but '/'
    k_set,            // one byte of m_sets[index]
    k_star,           // bytes but '/'
    k_deep_star,      // bytes
    k_maybe_folders,  // nothing, or the k_folders that comes next
    k_folders,        // bytes and a '/'
    k_end,
  };
  struct Token {
    Kind kind;
    unsigned char byte = 0;
    std::size_t index = 0;
  };

  void compile(std::string_view pattern);
  std::size_t compile_stars(std::string_view pattern, std::size_t at);
  std::size_t compile_set(std::string_view pattern, std::size_t at);

  std::string m_prefix;  // as it stands
  std::string m_tail;    // what the last tokens spell, to refuse most paths at once
  std::vector<Token> m_tokens;
  std::vector<std::bitset<256>> m_sets;
  bool m_valid = true;
};

}  // namespace vecdb

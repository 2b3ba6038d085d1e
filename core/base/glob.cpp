#include "base/glob.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace vecdb {

namespace {

// The classes of git's own ctype: ASCII only, and white space without \v and \f.
bool is_white(int byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }
bool is_blank(int byte) { return byte == ' ' || byte == '\t'; }

template <int (*Predicate)(int)>
bool is(int byte) {
  return Predicate(byte) != 0;
}

constexpr std::array<std::pair<std::string_view, bool (*)(int)>, 12> k_classes{{
    {"alnum", is<std::isalnum>},
    {"alpha", is<std::isalpha>},
    {"blank", is_blank},
    {"cntrl", is<std::iscntrl>},
    {"digit", is<std::isdigit>},
    {"graph", is<std::isgraph>},
    {"lower", is<std::islower>},
    {"print", is<std::isprint>},
    {"punct", is<std::ispunct>},
    {"space", is_white},
    {"upper", is<std::isupper>},
    {"xdigit", is<std::isxdigit>},
}};

unsigned char to_byte(char character) { return static_cast<unsigned char>(character); }

bool add_class(std::bitset<256>& set, std::string_view name) {
  const auto* known =
      std::ranges::find(k_classes, name, [](const auto& each) { return each.first; });
  if (known == k_classes.end()) return false;
  for (int byte = 0; byte < 128; ++byte) {
    if (known->second(byte)) set.set(static_cast<std::size_t>(byte));
  }
  return true;
}

}  // namespace

Glob::Glob(std::string_view pattern) {
  const auto special = std::min(pattern.find_first_of("*?[\\"), pattern.size());
  m_prefix = pattern.substr(0, special);
  compile(pattern.substr(special));
  for (auto token = m_tokens.rbegin(); token != m_tokens.rend() && token->kind == Kind::k_byte;
       ++token) {
    m_tail.insert(m_tail.begin(), static_cast<char>(token->byte));
  }
  m_tokens.push_back({Kind::k_end});
}

void Glob::compile(std::string_view pattern) {
  for (std::size_t at = 0; m_valid && at < pattern.size();) {
    switch (pattern[at]) {
      case '*':
        at = compile_stars(pattern, at);
        break;
      case '[':
        at = compile_set(pattern, at + 1);
        break;
      case '?':
        m_tokens.push_back({Kind::k_any});
        ++at;
        break;
      case '\\':
        if (++at == pattern.size()) {
          m_valid = false;
          break;
        }
        [[fallthrough]];
      default:
        m_tokens.push_back({Kind::k_byte, to_byte(pattern[at++])});
    }
  }
}

// Returns where the pattern goes on.
std::size_t Glob::compile_stars(std::string_view pattern, std::size_t at) {
  const std::size_t end = std::min(pattern.find_first_not_of('*', at), pattern.size());
  const std::string_view rest = pattern.substr(end);
  const bool begins_name = at == 0 || pattern[at - 1] == '/';
  const bool ends_name = rest.empty() || rest.starts_with('/') || rest.starts_with("\\/");
  if (end - at < 2 || !begins_name || !ends_name) {
    m_tokens.push_back({Kind::k_star});
    return end;
  }
  if (!rest.starts_with('/')) {
    m_tokens.push_back({Kind::k_deep_star});
    return end;
  }
  // "**/**/" is "**/": of neighbours one is enough, which keeps the steps that cost no byte few.
  if (m_tokens.empty() || m_tokens.back().kind != Kind::k_folders) {
    m_tokens.push_back({Kind::k_maybe_folders});
    m_tokens.push_back({Kind::k_folders});
  }
  return end + 1;
}

// `at`: behind the bracket. A ']' that comes first is a member. Returns where the pattern goes on.
std::size_t Glob::compile_set(std::string_view pattern, std::size_t at) {
  const auto byte_at = [&](std::size_t place) -> int {
    return place < pattern.size() ? to_byte(pattern[place]) : -1;
  };
  std::bitset<256> set;
  const bool negated = byte_at(at) == '!' || byte_at(at) == '^';
  if (negated) ++at;
  int previous = -1;  // what a range may begin with
  for (bool first = true; first || byte_at(at) != ']'; first = false, ++at) {
    int byte = byte_at(at);
    if (byte == '[' && byte_at(at + 1) == ':') {
      const std::size_t close = pattern.find(']', at + 2);
      if (close != std::string_view::npos && close > at + 2 && pattern[close - 1] == ':') {
        m_valid = m_valid && add_class(set, pattern.substr(at + 2, close - at - 3));
        at = close;
        previous = -1;
        continue;
      }
      m_valid = m_valid && close != std::string_view::npos;
    }
    const bool range =
        byte == '-' && previous >= 0 && byte_at(at + 1) >= 0 && byte_at(at + 1) != ']';
    if (range) byte = byte_at(++at);
    if (byte == '\\') byte = byte_at(++at);
    if (byte < 0 || !m_valid) {
      m_valid = false;
      return pattern.size();
    }
    for (int each = range ? previous : byte; each <= byte; ++each) {
      set.set(static_cast<std::size_t>(each));
    }
    previous = range ? -1 : byte;
  }
  if (negated) set.flip();
  set.reset('/');
  m_tokens.push_back({Kind::k_set, 0, m_sets.size()});
  m_sets.push_back(set);
  return at + 1;
}

bool Glob::matches(std::string_view path) const {
  if (!m_valid || !path.starts_with(m_prefix)) return false;
  path.remove_prefix(m_prefix.size());
  if (!path.ends_with(m_tail)) return false;
  // states[i]: the bytes so far can be what stands in front of token i.
  std::vector<char> states(m_tokens.size() + 1);
  std::vector<char> next(m_tokens.size() + 1);
  std::size_t count = 1;  // of the states that the bytes so far can reach
  std::size_t touched = 1;
  const auto reach = [&count](std::vector<char>& in, std::size_t state) {
    in[state] = 1;
    count = std::max(count, state + 1);
  };
  const auto reach_without_bytes = [&](std::vector<char>& in) {
    for (std::size_t i = 0; i < count; ++i) {
      if (in[i] == 0) continue;
      const Kind kind = m_tokens[i].kind;
      if (kind == Kind::k_maybe_folders) reach(in, i + 2);
      if (kind == Kind::k_maybe_folders || kind == Kind::k_star || kind == Kind::k_deep_star) {
        reach(in, i + 1);
      }
    }
  };
  states[0] = 1;
  reach_without_bytes(states);
  for (const char character : path) {
    const unsigned char byte = to_byte(character);
    const bool in_name = byte != '/';
    touched = std::max(touched, count);
    std::fill_n(next.begin(), touched, 0);
    const std::size_t known = std::exchange(count, 1);
    for (std::size_t i = 0; i < known; ++i) {
      if (states[i] == 0) continue;
      const Token& token = m_tokens[i];
      switch (token.kind) {
        case Kind::k_byte:
          if (byte == token.byte) reach(next, i + 1);
          break;
        case Kind::k_any:
          if (in_name) reach(next, i + 1);
          break;
        case Kind::k_set:
          if (m_sets[token.index].test(byte)) reach(next, i + 1);
          break;
        case Kind::k_star:
          if (in_name) reach(next, i);
          break;
        case Kind::k_deep_star:
          reach(next, i);
          break;
        case Kind::k_folders:
          reach(next, i);
          if (!in_name) reach(next, i + 1);
          break;
        case Kind::k_maybe_folders:
        case Kind::k_end:
          break;
      }
    }
    reach_without_bytes(next);
    states.swap(next);
  }
  return states[m_tokens.size() - 1] != 0;
}

}  // namespace vecdb

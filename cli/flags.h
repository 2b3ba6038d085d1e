#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "pipeline/overflow.h"
#include "search/filter.h"

// Kinds of flags that several commands have. Each refuses a wrong value with k_usage and one line
// that names the flag; the parser's own conversions are laxer than that.
namespace vecdb {

// One of some names.
template <typename Enum>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, Enum& value,
                        const std::map<std::string, Enum>& names, const std::string& help) {
  std::string known;
  for (const auto& [name, each] : names) known += (known.empty() ? "" : "|") + name;
  const auto parse = [&value, names, flag, known](const std::string& text) {
    const auto found = names.find(text);
    if (found == names.end()) {
      throw Error(ErrorKind::k_usage, flag + " " + text + ": is not known; use one of " + known);
    }
    value = found->second;
  };
  return app.add_option_function<std::string>(flag, parse, help)->type_name(known);
}

// A whole number, decimal digits only.
CLI::Option* add_count(CLI::App& app, const std::string& flag, std::size_t& value,
                       std::size_t least, std::size_t most, const std::string& help);

CLI::Option* add_count(CLI::App& app, const std::string& flag,
                       const std::function<void(std::size_t)>& take, std::size_t least,
                       std::size_t most, const std::string& help);

// A number of bytes, digits with K, M, G or T after them (powers of 1024) or nothing.
CLI::Option* add_size(CLI::App& app, const std::string& flag, std::size_t least,
                      const std::function<void(std::size_t)>& take, const std::string& help);

// A finite decimal number.
CLI::Option* add_real(CLI::App& app, const std::string& flag, double least, double most,
                      const std::function<void(double)>& take, const std::string& help);

// UTF-8 text, taken exactly as it stands; the flag must be among those that shield_values()
// shields.
CLI::Option* add_verbatim(CLI::App& app, const std::string& flag,
                          const std::function<void(std::string)>& take, const std::string& help);

// The same, repeatable: `take` is called for each value, in order.
CLI::Option* add_verbatim_list(CLI::App& app, const std::string& flag,
                               const std::function<void(std::string)>& take,
                               const std::string& help);

// What is let through of a store.
void add_filter(CLI::App& app, std::optional<Filter>& filter, const std::string& help);

// `more`: what the verb can do beside what is possible where a text must have exactly one vector.
void add_overflow(CLI::App& app, Overflow& overflow, std::map<std::string, Overflow> more,
                  const std::string& help);

// How long another writer is waited for.
void add_wait(CLI::App& app, double& seconds);

// How many components of a vector are kept.
void add_dimensions(CLI::App& app, std::size_t& dimensions);

}  // namespace vecdb

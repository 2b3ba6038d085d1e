#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace vecdb {

// What stands in a configuration file, not yet understood: the keys are those of flags.
struct Configuration {
  struct Setting {
    std::string key;
    std::string value;
    std::size_t line = 0;  // from 1
  };

  std::filesystem::path file;
  std::vector<Setting> settings;

  std::string place(const Setting& setting) const;  // "FILE:LINE"
};

// Reads the named file; without a name config.toml in $VECDB_HOME, or without that variable in
// $XDG_CONFIG_HOME/vecdb, or without both in ~/.config/vecdb, where an absent file is an empty one.
// /dev/null stands for no file at all.
//
// A line is empty, a comment after '#', or KEY = VALUE, where VALUE is a word, or stands in double
// or single quotes and holds neither a line end nor its quotes nor, in double ones, a backslash:
// all of it is TOML. Throws k_usage naming file and line for anything else and for a key that is
// there twice, k_io for a file that cannot be read or is over 1 MB.
Configuration read_configuration(const std::optional<std::string>& name);

}  // namespace vecdb

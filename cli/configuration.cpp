#include "configuration.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "inputs.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_file_name = "config.toml";
constexpr std::uint64_t k_max_bytes = 1U << 20U;
constexpr std::string_view k_space = " \t\r";

fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path default_file() {
  if (const auto home = variable("VECDB_HOME"); !home.empty()) return home / k_file_name;
  if (const auto config = variable("XDG_CONFIG_HOME"); config.is_absolute()) {
    return config / "vecdb" / k_file_name;
  }
  if (const auto home = variable("HOME"); home.is_absolute()) {
    return home / ".config" / "vecdb" / k_file_name;
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(k_space), text.size()));
  return text.substr(0, text.find_last_not_of(k_space) + 1);
}

// The value that `text` starts with, and what follows it; nothing when it is none.
struct Value {
  std::string_view content;
  std::string_view rest;
};

std::optional<Value> read_value(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char quote = text.front();
  if (quote != '"' && quote != '\'') {
    const auto end = std::min(text.find_first_of(" \t\r#\"'\\"), text.size());
    if (end == 0) return std::nullopt;
    return Value{text.substr(0, end), text.substr(end)};
  }
  const auto end = text.find(quote, 1);
  if (end == std::string_view::npos) return std::nullopt;
  const auto content = text.substr(1, end - 1);
  if (quote == '"' && content.find('\\') != std::string_view::npos) return std::nullopt;
  return Value{content, text.substr(end + 1)};
}

// Nothing for a line that sets nothing.
std::optional<Configuration::Setting> read_line(std::string_view line, std::size_t number,
                                                const std::string& where) {
  line = trimmed(line);
  if (line.empty() || line.front() == '#') return std::nullopt;
  const auto equals = line.find('=');
  const auto key = trimmed(line.substr(0, equals));
  if (equals == std::string_view::npos || key.empty()) {
    throw Error(ErrorKind::k_usage, where + ": is not KEY = VALUE");
  }
  const auto value = read_value(trimmed(line.substr(equals + 1)));
  const auto rest = value ? trimmed(value->rest) : std::string_view();
  if (!value || !(rest.empty() || rest.front() == '#')) {
    throw Error(ErrorKind::k_usage, where + ": " + std::string(key) +
                                        ": its value is not one word; put it into 'single quotes'");
  }
  return Configuration::Setting{std::string(key), std::string(value->content), number};
}

}  // namespace

std::string Configuration::place(const Setting& setting) const {
  return file.string() + ":" + std::to_string(setting.line);
}

Configuration read_configuration(const std::optional<std::string>& name) {
  Configuration configuration{.file = name ? fs::path(*name) : default_file(), .settings = {}};
  std::error_code ignored;
  if (configuration.file == "/dev/null") return configuration;
  if (!name && !fs::exists(configuration.file, ignored)) return configuration;
  const std::string text = read_file(configuration.file, k_max_bytes);
  require_utf8(text, configuration.file.string(), ErrorKind::k_usage);
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const std::string where = configuration.file.string() + ":" + std::to_string(++number);
    const auto line = std::string_view(text).substr(begin, end - begin);
    if (auto setting = read_line(line, number, where)) {
      const auto same = [&](const auto& other) { return other.key == setting->key; };
      if (std::ranges::any_of(configuration.settings, same)) {
        throw Error(ErrorKind::k_usage, where + ": " + setting->key + ": is given twice");
      }
      configuration.settings.push_back(std::move(*setting));
    }
    begin = end + 1;
  }
  return configuration;
}

}  // namespace vecdb

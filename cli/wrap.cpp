#include "wrap.h"

#include "base/utf8.h"

namespace vecdb {

std::string wrap(std::string_view text, std::size_t width) {
  std::string result;
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    auto end = text.find_first_of(" \n", begin);
    if (end == std::string_view::npos) end = text.size();
    const auto word = text.substr(begin, end - begin);
    const std::size_t length = count_code_points(word);
    if (column > 0 && column + length > width) {
      if (result.ends_with(' ')) result.pop_back();
      result.push_back('\n');
      column = 0;
    }
    result.append(word);
    column += length;
    if (end == text.size()) break;
    result.push_back(text[end]);
    column = text[end] == '\n' ? 0 : column + 1;
    begin = end + 1;
  }
  return result;
}

}  // namespace vecdb

// token_ids CHECKOUT OUT: reads a checkout's tokenizer as `vecdb model add` does, writes its file
// into the folder OUT, prints model.json's object "tokenizer" and how many tokens there are, and
// then, for each line of stdin, a text as a JSON string, its ids as a JSON array. Exit code 6 and a
// line on stderr when the tokenizer is refused.

#include <exception>
#include <iostream>
#include <limits>
#include <string>

#include "base/json.h"
#include "model/checkpoint/checkpoint_tokenizer.h"
#include "model/tokenizer/tokenizer_settings_json.h"

int main(int argc, char** argv) {
  using namespace vecdb;
  if (argc != 3) {
    std::cerr << "usage: token_ids CHECKOUT OUT\n";
    return 2;
  }
  try {
    const auto [settings, tokenizer] = read_checkpoint_tokenizer(argv[1], argv[2]);
    std::cout << dump_json(
                     {{"tokenizer", json_of(settings)}, {"tokens", tokenizer->vocabulary_size()}})
              << "\n";
    for (std::string line; std::getline(std::cin, line);) {
      const Json text = parse_json(line, "stdin", ErrorKind::k_io);
      const Tokens tokens =
          tokenizer->tokenize(text.get<std::string>(), std::numeric_limits<std::size_t>::max());
      std::cout << dump_json(tokens.ids) << "\n";
    }
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return error.kind() == ErrorKind::k_model ? 6 : 5;
  } catch (const std::exception& error) {
    std::cerr << "bug: " << error.what() << "\n";
    return 70;
  }
  return 0;
}

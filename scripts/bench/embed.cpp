// What run.py measures inside a process: the encoder of a store, warm, as ingest and query use it.
//
//   bench_embed STORE THREADS TEXTS OUT    TEXTS: JSON Lines with "text"
//
// Encodes all texts once, which loads what the encoder needs, and writes their vectors to OUT
// (float32, one after another). Prints {"texts", "tokens"} of what the encoder read. From then on
// every line of stdin is answered with {"seconds"}: those of encoding all texts again, the
// tokenizer's work included.

#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "model/embedder.h"
#include "pipeline/store_model.h"
#include "store/store.h"

namespace {

using namespace vecdb;

std::vector<std::string> read_texts(const std::string& path) {
  std::vector<std::string> texts;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    texts.push_back(parse_json(line, path, ErrorKind::k_usage).at("text").get<std::string>());
  }
  return texts;
}

ModelChoice with_threads(std::size_t threads) {
  ModelChoice choice;
  choice.threads = threads;
  return choice;
}

// Passages, as ingest encodes them; what a model's question begins with is left out.
class Work {
 public:
  Work(const StoreSettings& store, std::size_t threads, const std::vector<std::string>& texts)
      : m_embedder(embedder_for_store(store, with_threads(threads))),
        m_texts(texts.begin(), texts.end()) {}

  std::vector<float> run() {
    const auto tokens = m_embedder.tokenize(m_texts, prompt(), LongText::k_cut);
    m_tokens = 0;
    for (const TokenizedText& text : tokens) m_tokens += text.tokens_read();
    return m_embedder.encode(tokens, prompt(), VectorLength::k_unit).value();
  }

  std::size_t tokens() const { return m_tokens; }

 private:
  const Prompt& prompt() const { return m_embedder.model().manifest().passage; }

  Embedder m_embedder;
  std::vector<std::string_view> m_texts;
  std::size_t m_tokens = 0;
};

void serve(const std::vector<std::string>& words) {
  const std::vector<std::string> texts = read_texts(words[3]);
  Work work(StoreReader(words[1], 1).settings(), std::stoul(words[2]), texts);
  const std::vector<float> vectors = work.run();
  std::ofstream(words[4], std::ios::binary)
      .write(reinterpret_cast<const char*>(vectors.data()),
             static_cast<std::streamsize>(vectors.size() * sizeof(float)));
  std::cout << dump_json({{"texts", texts.size()}, {"tokens", work.tokens()}}) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    work.run();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << dump_json({{"seconds", seconds.count()}}) << std::endl;
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments, arguments + count);
  if (count != 5) {
    std::cerr << "bench_embed: STORE THREADS TEXTS OUT\n";
    return 2;
  }
  try {
    serve(words);
  } catch (const Error& error) {
    std::cerr << "bench_embed: " << error.what() << '\n';
    return 1;
  }
  return 0;
}

#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "store/store.h"

namespace vecdb {

// Measures which share of the ten true nearest neighbours a search finds (recall@10), with stored
// vectors as questions; a question is no neighbour of itself. What is as near as the tenth counts
// as found, whichever of them it is.
class RecallSample {
 public:
  // The `count` nearest chunks, best first.
  using Search = std::function<std::vector<Proposal>(std::span<const float>, std::size_t count)>;

  // Asks a stored chunk's vector, and finds its neighbours by an exact search.
  void add(ChunkId chunk, std::vector<float> vector, const Search& exact);
  // From 0 to 1; 1 when there is nothing to be found.
  double recall(const Search& search) const;
  std::size_t size() const noexcept { return m_questions.size(); }

 private:
  struct Question {
    ChunkId chunk = 0;
    std::vector<float> vector;
    std::size_t neighbours = 0;
    float worst = 0;  // score of the last neighbour
  };
  static std::vector<Proposal> ask(const Question& question, const Search& search);

  std::vector<Question> m_questions;
};

// The next number of lists to be tried: by a third or a half more, 1 2 3 4 6 8 12 16 …
std::size_t next_effort(std::size_t lists);

}  // namespace vecdb

#include "store/recall.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace vecdb {

namespace {

constexpr std::size_t k_neighbours = 10;
constexpr float k_rounding = 1e-6F;  // by which two ways to sum up a score may differ

}  // namespace

std::vector<Proposal> RecallSample::ask(const Question& question, const Search& search) {
  std::vector<Proposal> found = search(question.vector, k_neighbours + 1);
  std::erase_if(found, [&](const Proposal& each) { return each.chunk == question.chunk; });
  if (found.size() > k_neighbours) found.resize(k_neighbours);
  return found;
}

void RecallSample::add(ChunkId chunk, std::vector<float> vector, const Search& exact) {
  Question question{.chunk = chunk, .vector = std::move(vector)};
  const std::vector<Proposal> neighbours = ask(question, exact);
  if (neighbours.empty()) return;
  question.neighbours = neighbours.size();
  question.worst = neighbours.back().score;
  m_questions.push_back(std::move(question));
}

double RecallSample::recall(const Search& search) const {
  std::size_t wanted = 0;
  std::size_t found = 0;
  for (const Question& question : m_questions) {
    const float worst = question.worst - k_rounding;
    const auto hits = std::ranges::count_if(
        ask(question, search), [worst](const Proposal& each) { return each.score >= worst; });
    wanted += question.neighbours;
    found += std::min(static_cast<std::size_t>(hits), question.neighbours);
  }
  return wanted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(wanted);
}

std::size_t next_effort(std::size_t lists) {
  if (lists < 2) return lists + 1;
  const std::size_t power = std::bit_floor(lists);
  return lists == power ? power + power / 2 : power * 2;
}

}  // namespace vecdb

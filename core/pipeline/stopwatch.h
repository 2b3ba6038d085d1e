#pragma once

#include <chrono>

namespace vecdb {

// Adds the time from its making to its end to a total, in seconds.
class Stopwatch {
 public:
  explicit Stopwatch(double& total) : m_total(total) {}
  ~Stopwatch() {
    m_total += std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& m_total;
  std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

}  // namespace vecdb

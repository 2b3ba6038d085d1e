#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include "model/encoder/native/simd.h"

namespace vecdb::native {

inline constexpr std::size_t k_cache_line = 64;

// So many numbers, not set to anything, beginning on a cache line.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count)
      : m_data(static_cast<T*>(
            std::aligned_alloc(k_cache_line, round_up(count * sizeof(T) + 1, k_cache_line)))) {
    if (!m_data) throw std::bad_alloc();
  }
  T* data() noexcept { return m_data.get(); }
  const T* data() const noexcept { return m_data.get(); }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(data); }
  };
  std::unique_ptr<T[], Free> m_data;
};

// A matrix of activations, not set to anything. Rows begin on cache lines, and an odd number of
// them apart: else the rows of one block of a product would fall into few sets of the cache.
template <typename T>
class Rows {
 public:
  Rows(std::size_t rows, std::size_t columns)
      : m_stride(((columns * sizeof(T) + k_cache_line - 1) / k_cache_line | 1U) * k_cache_line /
                 sizeof(T)),
        m_data(rows * m_stride) {}

  std::size_t stride() const noexcept { return m_stride; }  // in numbers
  T* operator[](std::size_t row) noexcept { return m_data.data() + row * m_stride; }
  const T* operator[](std::size_t row) const noexcept { return m_data.data() + row * m_stride; }

 private:
  std::size_t m_stride;
  Buffer<T> m_data;
};

}  // namespace vecdb::native

#include "model/encoder/torch_allocator.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

namespace vecdb {

namespace {

constexpr std::size_t k_alignment = 64;  // of tensors' data, as in libtorch's own allocator
constexpr std::size_t k_least_mapped = 64U << 10U;
constexpr std::size_t k_largest_kept = 16U << 20U;
constexpr std::size_t k_most_bytes = std::size_t{1} << 48U;  // more than any machine has
constexpr std::size_t k_most_kept = 64U << 20U;

// Stands before the data of a block.
struct alignas(k_alignment) Header {
  std::size_t mapped_bytes = 0;  // 0: the block is malloc's
};

// Up to the next eighth of a power of two: batches of nearly the same size share blocks.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

Header* map_block(std::size_t bytes) {
  void* block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  return new (block) Header{.mapped_bytes = bytes};
}

// The mapped blocks that were freed and not used again, by size. Shared by all threads: what one
// worker frees the next one takes.
class FreeBlocks {
 public:
  Header* take(std::size_t bytes) {
    {
      const std::lock_guard lock(m_mutex);
      if (const auto found = m_blocks.find(bytes); found != m_blocks.end()) {
        Header* block = found->second;
        m_blocks.erase(found);
        m_bytes -= bytes;
        return block;
      }
    }
    return map_block(bytes);
  }

  void give(Header* block) {
    const std::size_t bytes = block->mapped_bytes;
    if (bytes <= k_largest_kept) {
      const std::lock_guard lock(m_mutex);
      if (m_bytes + bytes <= k_most_kept) {
        m_blocks.emplace(bytes, block);
        m_bytes += bytes;
        return;
      }
    }
    ::munmap(block, bytes);
  }

 private:
  std::mutex m_mutex;
  std::multimap<std::size_t, Header*> m_blocks;
  std::size_t m_bytes = 0;
};

// Never destroyed: libtorch frees tensors until the process is gone.
FreeBlocks& free_blocks() {
  static auto* const blocks = new FreeBlocks;
  return *blocks;
}

void free_data(void* data) {
  if (data == nullptr) return;
  Header* block = static_cast<Header*>(data) - 1;
  if (block->mapped_bytes > 0) {
    free_blocks().give(block);
  } else {
    std::free(block);
  }
}

class BlockAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* data = bytes == 0 ? nullptr : new_data(bytes);
    return {data, data, &free_data, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_data; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }

 private:
  static void* new_data(std::size_t bytes) {
    const std::size_t whole = bytes + sizeof(Header);
    if (whole < bytes || whole > k_most_bytes) throw std::bad_alloc();
    if (whole >= k_least_mapped) return free_blocks().take(rounded(whole)) + 1;
    void* block = nullptr;
    if (::posix_memalign(&block, k_alignment, whole) != 0) throw std::bad_alloc();
    return new (block) Header{} + 1;
  }
};

}  // namespace

void use_block_allocator() {
  constexpr std::uint8_t k_above_default = 1;
  c10::SetCPUAllocator(new BlockAllocator, k_above_default);  // libtorch keeps it to the end
}

}  // namespace vecdb

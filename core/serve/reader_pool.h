#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "store/store.h"

namespace vecdb {

// Readers of a store, kept open between questions: opening one takes longer than an answer, and one
// that was just opened has no page of the vectors mapped yet. For use by several threads.
class ReaderPool {
 public:
  // `settings`: what the store must have been made with. `threads`: see StoreReader.
  ReaderPool(std::filesystem::path store, StoreSettings settings, std::size_t threads);

  struct Return {
    ReaderPool* pool = nullptr;
    StoreState state;  // that was committed when it was opened
    void operator()(StoreReader* reader) const noexcept;
  };
  using Lease = std::unique_ptr<StoreReader, Return>;

  // A reader of what is committed now. Throws as StoreReader does, and k_io when another kind of
  // store has taken the place.
  Lease take();

  // Closes those that nobody uses and that would not be used again: they keep files of an old
  // generation on the disk and its pages in the catalogue's log.
  void close_stale();

 private:
  struct Idle {
    StoreState state;
    std::unique_ptr<StoreReader> reader;
  };

  std::filesystem::path m_store;
  StoreSettings m_settings;
  std::size_t m_threads;
  std::mutex m_mutex;
  std::vector<Idle> m_idle;
};

}  // namespace vecdb

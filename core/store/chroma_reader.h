#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vecdb {

// What a record of a Chroma database holds.
struct ChromaRecord {
  std::string id;
  std::optional<std::string> text;
  std::string meta;                   // one JSON object on one line
  std::optional<std::string> source;  // metadata's key of that name, where it is a text
  std::vector<float> vector;          // empty where it was not asked for, or is not at hand
};

// Reads a collection of a database of Chroma 0.4 to 1.x: the folder that its PersistentClient
// writes. Its SQLite file is opened for reading only. Every failure is k_io and names the file; a
// collection that is not there is k_usage.
//
// Vectors are taken from the queue of changes, which Chroma empties from time to time
// (embeddings_queue). Those that are only in its HNSW index are not read: which record each of them
// is of stands in a pickle, which is a program.
class ChromaReader {
 public:
  enum class Vectors { k_leave_out, k_read };
  // Without a name, the only collection there is.
  ChromaReader(const std::filesystem::path& folder, const std::optional<std::string>& collection,
               Vectors vectors);
  ~ChromaReader();

  const std::string& collection() const noexcept;

  // The next record: those of one source together, in the order in which they were stored, in byte
  // order of the sources; then those without a source, by their ids.
  std::optional<ChromaRecord> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace vecdb

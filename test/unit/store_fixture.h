#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "store/store.h"

// What the tests of the store share.
namespace vecdb {

inline const StoreSettings k_settings{
    .model = "toy", .fingerprint = std::string(64, 'f'), .precision = "f32", .dimension = 7};

// A path under the system's temporary folder, where nothing is yet; removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path() const { return m_path / "a store?#%41"; }

 private:
  std::filesystem::path m_path;
};

std::vector<float> random_unit(unsigned seed, std::size_t dimension = k_settings.dimension);
// Texts, numbers and vectors follow from the uri and the seed.
NewDocument make_document(const std::string& uri, std::size_t chunks, unsigned seed,
                          std::size_t dimension = k_settings.dimension);
StoreWriter make_store(const std::filesystem::path& path,
                       const StoreSettings& settings = k_settings);

// Compares all that the reader returns with the documents, in any order, that it must hold.
void check_documents(const StoreReader& reader, std::vector<NewDocument> documents);
// The same as an answer: whether everything is equal. Throws what the reader throws.
bool holds_exactly(const StoreReader& reader, std::vector<NewDocument> documents);

std::string read_all(const std::filesystem::path& file);
void write_all(const std::filesystem::path& file, const std::string& bytes);
std::vector<std::filesystem::path> segment_files(const std::filesystem::path& store);

}  // namespace vecdb

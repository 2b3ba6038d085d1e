#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/exchange_line.h"
#include "pipeline/ingest.h"
#include "pipeline/store_model.h"
#include "store/store.h"

// Stores documents whose vectors were made elsewhere. Nothing is encoded, and no encoder is loaded.
namespace vecdb {

// Whether vectors are believed to be the model's where nothing says so.
enum class VectorTrust { k_stated_only, k_given };

// What becomes of vectors that are not of unit length: refused, or brought to it.
enum class VectorLengths { k_unit_only, k_normalize };

struct ImportOptions {
  std::filesystem::path store;
  ModelChoice model;
  VectorTrust trust = VectorTrust::k_stated_only;
  double wait_seconds = 5;  // for another writer
};

// A document on its way into a store.
struct ImportedDocument {
  NewDocument document;                    // its vectors all of one length, and checked
  std::optional<EncoderIdentity> encoder;  // that made them, if that is known
  std::string where;                       // it comes from, for errors
};

class ImportSource {
 public:
  virtual ~ImportSource() = default;
  // Nothing at the end, and when an interrupt is pending.
  virtual std::optional<ImportedDocument> next() = 0;
};

// Makes a vector one that a store takes, or throws k_io naming `where`: for a number that is not
// finite, for a vector without a direction, and for one that is not of unit length, unless it is to
// be brought to it; one that is stays as it is, bit by bit.
void check_vector(std::vector<float>& vector, VectorLengths lengths, const std::string& where);

// Stores the documents, in large batches of which each is one commit; one is read while another is
// stored. A document that is stored just so, with the same vectors, is left alone; one of the same
// uri is replaced; of two with one uri the first counts. Makes the store when there is none: its
// model and precision are those that the first document states, or the chosen ones. Throws k_model
// when the vectors are another model's than the store's or the named one's, k_usage when nothing
// says whose they are, k_io when they have another dimension.
IngestSummary import_documents(const ImportOptions& options, ImportSource& source,
                               IngestObserver& observer);

}  // namespace vecdb

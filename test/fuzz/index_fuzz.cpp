// Input: a byte of options (below) and edits of an index's file (edits.h), behind which is FAISS's
// reader. A row either has the checksum of the sound file, and then any change is found, or that of
// the changed one, as a writer with a fault would leave it.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>

#include "base/file.h"
#include "base/sha256.h"
#include "edits.h"
#include "fuzz.h"
#include "store/ivf_index.h"
#include "temporary_folder.h"
#include "vectors.h"

using namespace vecdb;
using fuzz::require;

namespace {

constexpr unsigned k_fits = 1;   // the row has the checksum of the changed file
constexpr unsigned k_anew = 2;   // the rows in the lists are compared
constexpr unsigned k_lists = 4;  // the row has another number of lists
// Two bits more choose the codes, the last one again 8 bits.
constexpr std::size_t k_rows = 40;
constexpr std::size_t k_dimension = 6;

struct Sound {
  Sound() : segment(open(folder)) {
    segment.check(FlatSegment::Check::k_anew);
    constexpr VectorCodes k_codes[] = {VectorCodes::k_f32, VectorCodes::k_f16, VectorCodes::k_sq8};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = make_ivf_index(folder.path(), segment, k_codes[i]).value();
      bytes[i] = read_file(folder.path() / rows[i].name, std::uint64_t{1} << 20U);
    }
  }

  static FlatSegment open(const fuzz::TemporaryFolder& folder) {
    SegmentRow row = fuzz::write_segment(folder.path(), k_rows, k_dimension);
    const auto file = folder.path() / row.name;
    return {file, std::move(row)};
  }

  fuzz::TemporaryFolder folder;
  FlatSegment segment;
  std::array<IvfRow, 3> rows;
  std::array<std::string, 3> bytes;
};

float score_of(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void search(const FlatSegment& segment, const IvfIndex& index, bool is_complete) {
  const std::vector<float> query = fuzz::unit_vectors(1, k_dimension);
  // With a bit for each row, row numbers that are out of range would be looked for outside of it.
  const ChunkRanges some{{3, 15}, {25, 70}};
  for (const ChunkRanges* among : std::initializer_list<const ChunkRanges*>{nullptr, &some}) {
    std::vector<Proposal> found;
    index.propose(segment, query, 7, segment.select(among), 1000, found);
    require(found.size() <= 7, "more are proposed than were asked for");
    std::set<ChunkId> chunks;
    for (const Proposal& each : found) {
      const auto row = segment.find(each.chunk);
      require(row.has_value(), "a chunk is proposed that is not in the segment");
      require(std::abs(each.score - score_of(query, segment.vector_at(*row))) < 1e-5F,
              "a score is not that of the segment's vector");
      require(chunks.insert(each.chunk).second || !is_complete, "a chunk is proposed twice");
      require(among == nullptr || each.chunk < 15 || (each.chunk >= 25 && each.chunk < 70),
              "a chunk is proposed that was not asked for");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Sound sound;
  fuzz::Parts parts(data, size);
  const unsigned options = parts.byte();
  const auto how =
      (options & k_anew) != 0 ? FlatSegment::Check::k_anew : FlatSegment::Check::k_cached;
  const std::size_t codes = std::min<std::size_t>(options >> 3U & 3U, 2);
  IvfRow row = sound.rows[codes];
  if ((options & k_lists) != 0) row.lists = 1 + parts.byte();
  const std::string bytes = fuzz::edited(sound.bytes[codes], parts);
  const bool fits = (options & k_fits) != 0;
  if (fits) {
    row.bytes = to_signed(bytes.size());
    row.sha256 = sha256_hex(bytes);
  }
  const bool is_sound = bytes == sound.bytes[codes] && row.lists == sound.rows[codes].lists;
  const auto file = sound.folder.write("changed", bytes);
  const auto index = fuzz::unless_refused(ErrorKind::k_damaged, [&] {
    auto opened = std::make_unique<IvfIndex>(file, row);
    opened->check(sound.segment.row(), how);
    return opened;
  });
  require(!index || fits || is_sound, "a changed file is taken for the sound one");
  require(index || !is_sound, "the sound file is refused");
  if (index) search(sound.segment, **index, how == FlatSegment::Check::k_anew);
  return 0;
}

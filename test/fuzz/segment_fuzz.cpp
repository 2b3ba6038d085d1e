// Input: a byte of options (below), for each of four numbers of the row two bytes, and edits of a
// segment's file (edits.h). A row either has the checksum of the sound file, and then any change is
// found, or that of the changed one, as a writer with a fault would leave it.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/sha256.h"
#include "edits.h"
#include "fuzz.h"
#include "store/flat_segment.h"
#include "temporary_folder.h"
#include "vectors.h"

using namespace vecdb;
using fuzz::require;

namespace {

constexpr unsigned k_fits = 1;       // the row has the checksum of the changed file
constexpr unsigned k_anew = 2;       // every id is compared
constexpr unsigned k_dead = 4;       // two rows are dead
constexpr unsigned k_row = 8;        // the row's numbers are changed too
constexpr std::size_t k_rows = 24;
constexpr std::size_t k_dimension = 6;

struct Sound {
  Sound() : row(fuzz::write_segment(folder.path(), k_rows, k_dimension)) {
    bytes = read_file(folder.path() / row.name, std::uint64_t{1} << 20U);
  }

  fuzz::TemporaryFolder folder;
  SegmentRow row;
  std::string bytes;
};

void change(SegmentRow& row, fuzz::Parts& parts) {
  for (std::int64_t* number : {&row.count, &row.dimension, &row.first, &row.last}) {
    const unsigned how = parts.byte();
    const unsigned value = parts.byte();
    if (how % 4 == 1) *number = static_cast<std::int64_t>(fuzz::number_of(value, true));
    if (how % 4 == 2) *number += static_cast<std::int64_t>(value) - 128;
  }
}

void search(const FlatSegment& segment, bool is_ordered) {
  const SegmentRow& row = segment.row();
  const std::vector<float> query =
      fuzz::unit_vectors(1, static_cast<std::size_t>(row.dimension));
  const ChunkRanges some{{row.first, row.first + 5}, {row.first + 20, row.last + 1}};
  for (const ChunkRanges* among : std::initializer_list<const ChunkRanges*>{nullptr, &some}) {
    std::vector<Proposal> found;
    segment.propose(query, 5, segment.select(among), 1, found);
    require(found.size() <= 5, "more are proposed than were asked for");
    for (const Proposal& each : found) {
      require(!std::isnan(each.score), "a score is no number");
      const auto place = segment.find(each.chunk);
      require(!is_ordered || place, "a chunk is proposed that is not here");
      require(!is_ordered || !segment.is_dead(*place), "a dead chunk is proposed");
    }
  }
  for (std::int64_t i = 0; i < row.count; ++i) {
    require(segment.vector_at(i).size() == query.size(), "a vector has another dimension");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Sound sound;
  fuzz::Parts parts(data, size);
  const unsigned options = parts.byte();
  const auto how =
      (options & k_anew) != 0 ? FlatSegment::Check::k_anew : FlatSegment::Check::k_cached;
  SegmentRow row = sound.row;
  if ((options & k_row) != 0) change(row, parts);
  if ((options & k_dead) != 0) row.dead = {5, 9};
  const std::string bytes = fuzz::edited(sound.bytes, parts);
  const bool fits = (options & k_fits) != 0;
  if (fits) {
    row.bytes = to_signed(bytes.size());
    row.sha256 = sha256_hex(bytes);
  }
  if (!is_possible(row)) return 0;  // the catalogue hands on no such row
  const auto file = sound.folder.write("changed", bytes);
  const auto segment = fuzz::unless_refused(ErrorKind::k_damaged, [&] {
    auto opened = std::make_unique<FlatSegment>(file, row);
    opened->check(how);
    return opened;
  });
  require(!segment || fits || bytes == sound.bytes, "a changed file is taken for the sound one");
  require(segment || (options & k_row) != 0 || bytes != sound.bytes, "the sound file is refused");
  if (segment) search(**segment, how == FlatSegment::Check::k_anew);
  return 0;
}

#include "store/ivf_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include "base/hex.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/verified_file.h"
#include "store/damage.h"
#include "store/faiss_module.h"
#include "store/ivf_file.h"
#include "store/layout.h"
#include "store/recall.h"

namespace vecdb {

namespace {

// Twice the root of the number of vectors: so a search compares the question with about as many
// centroids as there are vectors in two of its lists.
constexpr double k_lists_a_root = 2;
constexpr int k_iterations = 10;
constexpr int k_samples_a_list = 64;
// Questions a table of recall is measured with.
constexpr std::int64_t k_questions = 100;
// Rows whose codes are compared for each that is asked for: codes are not the vectors.
constexpr std::size_t k_widening = 2;
constexpr std::size_t k_margin = 32;

constexpr std::array<std::pair<VectorCodes, std::string_view>, 3> k_codes{
    {{VectorCodes::k_f32, "f32"}, {VectorCodes::k_f16, "f16"}, {VectorCodes::k_sq8, "sq8"}}};

std::string_view name_of(VectorCodes codes) {
  return std::ranges::find(k_codes, codes, [](const auto& each) { return each.first; })->second;
}

struct Interrupted {};

void stop_if_interrupted() {
  if (pending_interrupt() != 0) throw Interrupted{};
}

std::size_t lists_of(std::int64_t rows) {
  const double root = std::sqrt(static_cast<double>(rows));
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(std::llround(k_lists_a_root * root), 1, rows));
}

// Measures until nearly all neighbours are found.
std::vector<RecallPoint> measure(const FlatSegment& segment, const IvfIndex& index) {
  constexpr double k_enough = 0.9995;
  const RowSelection every = segment.select(nullptr);
  RecallSample sample;
  const std::int64_t count = segment.row().count;
  const std::int64_t step = std::max<std::int64_t>(1, count / k_questions);
  for (std::int64_t row = step / 2; row < count; row += step) {
    sample.add(segment.chunk_at(row), segment.vector_at(row), [&](const auto& query, auto wanted) {
      stop_if_interrupted();
      std::vector<Proposal> found;
      segment.propose(query, wanted, every, 1, found);
      std::ranges::sort(found, is_better);
      return found;
    });
  }
  std::vector<RecallPoint> table;
  const auto all = static_cast<std::size_t>(index.row().lists);
  for (std::size_t lists = 1; lists <= all; lists = next_effort(lists)) {
    const double recall = sample.recall([&](const auto& query, auto wanted) {
      stop_if_interrupted();
      std::vector<Proposal> found;
      index.propose(segment, query, wanted, every, lists, found);
      std::ranges::sort(found, is_better);
      return found;
    });
    table.push_back({.lists = lists, .recall = recall});
    if (recall >= k_enough) break;
  }
  return table;
}

IvfRow write_index(const std::filesystem::path& folder, const FlatSegment& segment,
                   VectorCodes codes) {
  const std::int64_t count = segment.row().count;
  const std::size_t lists = lists_of(count);
  const IvfPlan plan{.dimension = static_cast<std::size_t>(segment.row().dimension),
                     .lists = lists,
                     .codes = codes,
                     .iterations = k_iterations,
                     .samples = k_samples_a_list};
  const auto index = faiss_module().make_ivf(
      plan, segment.vectors(0, count).data(), count, [] { return pending_interrupt() != 0; });

  IvfRow row;
  row.lists = to_signed(lists);
  row.codes = codes;
  Sha256 hash;
  index->write([&](VectorBlock bytes) {
    hash.update(bytes);
    row.bytes += to_signed(bytes.size());
  });
  row.sha256 = hash.hex_digest();
  row.name = index_name(segment.row().id, row.sha256);
  AtomicFile file(folder / row.name);
  index->write([&](VectorBlock bytes) { file.write(bytes); });
  file.commit();
  return row;
}

Error cannot(const std::filesystem::path& file, const FaissFailure& error) {
  return damaged_index(file, std::string("FAISS cannot use it: ") + error.what());
}

// A whole number that counts something: JSON's others would be rounded or wrap.
std::int64_t count_in(const Json& json) {
  const bool is_count = json.is_number_unsigned() && json.get<std::uint64_t>() <= INT64_MAX;
  return is_count ? json.get<std::int64_t>() : -1;
}

// Its name above all: no other file is to be read, or removed, in its place.
bool is_possible(const IvfRow& row, const SegmentRow& segment) {
  const auto is_sound = [&](const RecallPoint& point) {
    return point.lists > 0 && point.lists <= static_cast<std::size_t>(row.lists) &&
           point.recall >= 0 && point.recall <= 1;
  };
  return row.bytes > 0 && row.lists > 0 && row.lists <= segment.count && is_hex(row.sha256, 64) &&
         row.name == index_name(segment.id, row.sha256) &&
         std::ranges::all_of(row.recall, is_sound);
}

}  // namespace

std::string to_text(const IvfRow& row) {
  Json recall = Json::array();
  for (const RecallPoint& point : row.recall) {
    recall.push_back(Json::array({point.lists, point.recall}));
  }
  return dump_json({{"kind", "ivf"},
                    {"name", row.name},
                    {"bytes", row.bytes},
                    {"sha256", row.sha256},
                    {"lists", row.lists},
                    {"codes", name_of(row.codes)},
                    {"recall", recall}});
}

IvfRow parse_ivf_row(const SegmentRow& segment, const std::filesystem::path& file) {
  const Json json = parse_json(segment.index, file.string(), ErrorKind::k_damaged);
  try {
    IvfRow row;
    json.at("name").get_to(row.name);
    row.bytes = count_in(json.at("bytes"));
    json.at("sha256").get_to(row.sha256);
    row.lists = count_in(json.at("lists"));
    const auto codes = std::ranges::find(k_codes, json.at("codes").get<std::string>(),
                                         [](const auto& each) { return each.second; });
    for (const Json& point : json.at("recall")) {
      row.recall.push_back(
          {.lists = static_cast<std::size_t>(count_in(point.at(0))), .recall = point.at(1)});
    }
    if (codes != k_codes.end() && json.at("kind") == "ivf" && is_possible(row, segment)) {
      row.codes = codes->first;
      return row;
    }
  } catch (const Json::exception&) {  // told below
  }
  throw damaged(file, "describes an index that this vecdb does not know: " + segment.index);
}

std::vector<std::string> files_of(const SegmentRow& row, const std::filesystem::path& catalogue) {
  std::vector<std::string> files{row.name};
  if (!row.index.empty()) files.push_back(parse_ivf_row(row, catalogue).name);
  return files;
}

std::optional<IvfRow> make_ivf_index(const std::filesystem::path& folder,
                                     const FlatSegment& segment, VectorCodes codes) {
  std::filesystem::path made;
  std::string why;
  try {
    IvfRow row = write_index(folder, segment, codes);
    made = folder / row.name;
    IvfIndex index(made, row);
    index.check(segment.row(), FlatSegment::Check::k_cached);
    row.recall = measure(segment, index);
    return row;
  } catch (const Interrupted&) {  // told by what is returned
  } catch (const FaissFailure& failure) {
    why = failure.what();
  }
  std::error_code ignored;
  if (!made.empty()) std::filesystem::remove(made, ignored);
  if (pending_interrupt() != 0) return std::nullopt;
  throw Error(ErrorKind::k_io, folder.string() + ": FAISS cannot make an index: " + why);
}

IvfIndex::IvfIndex(const std::filesystem::path& file, IvfRow row)
    : m_path(file), m_row(std::move(row)), m_file(file) {
  if (to_signed(m_file.bytes().size()) != m_row.bytes) {
    throw damaged_index(m_path, "has " + std::to_string(m_file.bytes().size()) +
                                    " bytes, not the " + std::to_string(m_row.bytes) +
                                    " that were committed");
  }
}


void IvfIndex::check(const SegmentRow& segment, FlatSegment::Check how) {
  const bool same = how == FlatSegment::Check::k_cached
                        ? has_sha256(m_file, m_row.sha256)
                        : sha256_hex(m_file.bytes()) == m_row.sha256;
  if (!same) throw damaged_index(m_path, "its bytes are not those that were committed");
  const IvfShape shape{.dimension = segment.dimension,
                       .count = segment.count,
                       .lists = m_row.lists,
                       .codes = m_row.codes};
  if (!has_ivf_shape(m_file.bytes(), shape)) {
    throw damaged_index(m_path, "does not agree with the catalogue");
  }
  try {
    m_index = faiss_module().open_ivf(m_file.bytes());
  } catch (const FaissFailure& error) {
    throw cannot(m_path, error);
  }
  if (how == FlatSegment::Check::k_anew && !m_index->holds_each_row_once()) {
    throw damaged_index(m_path, "its lists do not hold each row once");
  }
}

std::size_t IvfIndex::lists_for(double recall) const {
  for (const RecallPoint& point : m_row.recall) {
    if (point.recall >= recall) return point.lists;
  }
  return static_cast<std::size_t>(m_row.lists);
}

void IvfIndex::propose(const FlatSegment& segment, std::span<const float> query, std::size_t count,
                       const RowSelection& selection, std::size_t lists,
                       std::vector<Proposal>& proposals) const {
  if (count == 0 || selection.most == 0) return;
  const auto rows = static_cast<std::size_t>(selection.most);
  const std::size_t wanted = std::min(std::min(count, rows) * k_widening + k_margin, rows);
  FoundRows best;
  try {
    RowSelection found{.most = 0, .is_few = true, .rows = RowSelection::Each{}};
    auto& each = std::get<RowSelection::Each>(found.rows);
    for (const FoundRow& near : m_index->search(query, lists, selection, wanted)) {
      each.push_back(near.row);
    }
    std::ranges::sort(each);
    const std::int64_t count_of_rows = segment.row().count;
    best = faiss_module().search(query, segment.vectors(0, count_of_rows).data(),
                                 {0, count_of_rows}, found, each.size());
  } catch (const FaissFailure& error) {
    throw cannot(m_path, error);
  }
  std::vector<Proposal> proposed;
  for (const FoundRow& each : best) {
    proposed.push_back({.chunk = segment.chunk_at(each.row), .score = each.score});
  }
  std::ranges::sort(proposed, is_better);
  if (proposed.size() > count) proposed.resize(count);
  proposals.insert(proposals.end(), proposed.begin(), proposed.end());
}

}  // namespace vecdb

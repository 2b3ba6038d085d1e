#include "text/load/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "text/load/skipped.h"

namespace vecdb {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t k_first_step = std::size_t{1} << 16U;
// zstd's own default for a stream: what `zstd --ultra` with a longer window makes is refused.
constexpr int k_max_window_log = 27;

[[noreturn]] void refuse_cut(const char* name) {
  refuse(std::string("is cut off: the ") + name + " data end in the middle; fetch it again");
}

[[noreturn]] void refuse_damaged(const char* name) {
  refuse(std::string("is damaged: not valid ") + name + " data; fetch it again");
}

// Text that grows as it is needed, up to a limit.
class Output {
 public:
  explicit Output(std::uint64_t max_bytes) : m_max(max_bytes) {}

  // Room behind what is there, never none.
  char* room() {
    if (m_filled == m_text.size()) {
      // One byte over the limit, to see that there is more.
      const std::uint64_t next = std::max<std::uint64_t>(k_first_step, m_text.size() * 2);
      m_text.resize(static_cast<std::size_t>(std::min(next, m_max + 1)));
    }
    return m_text.data() + m_filled;
  }
  std::size_t room_size() const { return m_text.size() - m_filled; }

  void add(std::size_t bytes) {
    m_filled += bytes;
    if (m_filled > m_max) {
      refuse("is larger than the limit of " + std::to_string(m_max) + " bytes when decompressed");
    }
  }

  std::string take() {
    m_text.resize(m_filled);
    return std::move(m_text);
  }

 private:
  std::uint64_t m_max;
  std::string m_text;
  std::size_t m_filled = 0;
};

std::string gunzip(std::string_view bytes, std::uint64_t max_bytes) {
  Output output(max_bytes);
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) refuse("there is no memory to decompress it");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, &inflateEnd);
  constexpr std::size_t k_most = std::numeric_limits<uInt>::max();
  for (;;) {
    const auto given = static_cast<uInt>(std::min(bytes.size(), k_most));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = given;
    stream.next_out = reinterpret_cast<Bytef*>(output.room());
    const auto room = static_cast<uInt>(std::min(output.room_size(), k_most));
    stream.avail_out = room;
    const int status = inflate(&stream, Z_NO_FLUSH);
    output.add(room - stream.avail_out);
    bytes.remove_prefix(given - stream.avail_in);
    if (status == Z_STREAM_END) {
      // gzip itself passes over zeros that fill up a tape's block.
      if (bytes.find_first_not_of('\0') == std::string_view::npos) return output.take();
      inflateReset(&stream);
    } else if (status == Z_BUF_ERROR) {  // there was room, so bytes are wanting
      refuse_cut("gzip");
    } else if (status != Z_OK) {
      refuse_damaged("gzip");
    }
  }
}

std::string unzstd(std::string_view bytes, std::uint64_t max_bytes) {
  Output output(max_bytes);
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  if (!context) refuse("there is no memory to decompress it");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, k_max_window_log);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (std::size_t hint = 1;;) {
    char* room = output.room();
    ZSTD_outBuffer out{room, output.room_size(), 0};
    hint = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(hint) != 0) refuse_damaged("zstd");
    output.add(out.pos);
    const bool is_read = in.pos == in.size;
    if (is_read && hint == 0) return output.take();  // a frame ended where the bytes do
    if (is_read && out.pos < out.size) refuse_cut("zstd");
  }
}

}  // namespace

std::optional<Compression> guess_compression(std::string_view bytes) {
  if (bytes.starts_with("\x1F\x8B\x08"sv)) return Compression::k_gzip;
  if (bytes.starts_with("\x28\xB5\x2F\xFD"sv)) return Compression::k_zstd;
  // A frame to be skipped, 0x184D2A50 to 0x184D2A5F (RFC 8878, 3.1.2), which pzstd begins with.
  if (bytes.size() > 4 && (static_cast<unsigned char>(bytes[0]) & 0xF0U) == 0x50 &&
      bytes.substr(1).starts_with("\x2A\x4D\x18"sv)) {
    return Compression::k_zstd;
  }
  return std::nullopt;
}

std::string_view without_compression_ending(std::string_view name) {
  for (const std::string_view ending : {".gz"sv, ".zst"sv, ".zstd"sv}) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return name;
}

std::string decompress(Compression compression, std::string_view bytes, std::uint64_t max_bytes) {
  return compression == Compression::k_gzip ? gunzip(bytes, max_bytes) : unzstd(bytes, max_bytes);
}

}  // namespace vecdb

#include "text/load/file_type.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vecdb {

namespace {

using namespace std::string_view_literals;

constexpr std::array<std::pair<std::string_view, FileType>, 14> k_endings{{
    {".csv", FileType::k_csv},
    {".htm", FileType::k_html},
    {".html", FileType::k_html},
    {".jsonl", FileType::k_jsonl},
    {".markdown", FileType::k_markdown},
    {".md", FileType::k_markdown},
    {".mdown", FileType::k_markdown},
    {".mkd", FileType::k_markdown},
    {".ndjson", FileType::k_jsonl},
    {".qmd", FileType::k_markdown},
    {".tab", FileType::k_tsv},
    {".tsv", FileType::k_tsv},
    {".xht", FileType::k_html},
    {".xhtml", FileType::k_html},
}};

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  const char* what;
};

constexpr std::array<Magic, 28> k_binaries{{
    {0, "PK\3\4"sv, "a ZIP archive (also the form of office documents, e-books and JARs)"},
    {0, "PK\5\6"sv, "an empty ZIP archive"},
    {0, "\x89PNG\r\n\x1A\n"sv, "a PNG image"},
    {0, "\xFF\xD8\xFF"sv, "a JPEG image"},
    {0, "GIF87a"sv, "a GIF image"},
    {0, "GIF89a"sv, "a GIF image"},
    {8, "WEBP"sv, "a WebP image"},
    {0, "II*\0"sv, "a TIFF image"},
    {0, "MM\0*"sv, "a TIFF image"},
    {0, "\0\0\1\0"sv, "an icon"},
    {0,
     "\x7F"
     "ELF"sv,
     "an ELF program or library"},
    {0, "MZ"sv, "a Windows program or library"},
    {0, "\xCA\xFE\xBA\xBE"sv, "a Java class or a macOS program"},
    {0, "\xCF\xFA\xED\xFE"sv, "a macOS program"},
    {0, "\0asm"sv, "a WebAssembly module"},
    {0, "!<arch>\n"sv, "an archive of object files, or a Debian package"},
    {0, "SQLite format 3\0"sv, "an SQLite database"},
    {0, "\x1F\x8B"sv, "gzip data"},
    {0, "BZh"sv, "bzip2 data"},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     "xz data"},
    {0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive"},
    {0, "Rar!\x1A\7"sv, "a RAR archive"},
    {257, "ustar"sv, "a tar archive"},
    {0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "an old office document"},
    {0, "OggS"sv, "an Ogg recording"},
    {0, "ID3"sv, "an MP3 recording"},
    {4, "ftyp"sv, "an MP4 recording or a HEIF image"},
    {0, "\xDE\x12\x04\x95"sv, "a catalogue of translations (gettext)"},
}};

constexpr std::size_t k_pdf_header_within = 1024;  // as the readers of PDF do

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

bool is_web_page(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const auto begin = bytes.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  const std::string start = lower(bytes.substr(begin, 15));
  return start.starts_with("<!doctype html") || start.starts_with("<html>") ||
         start.starts_with("<html ");
}

}  // namespace

const char* name_of(FileType type) {
  switch (type) {
    case FileType::k_text:
      return "text";
    case FileType::k_markdown:
      return "markdown";
    case FileType::k_html:
      return "html";
    case FileType::k_pdf:
      return "pdf";
    case FileType::k_csv:
      return "csv";
    case FileType::k_tsv:
      return "tsv";
    case FileType::k_jsonl:
      return "jsonl";
  }
  return "";
}

FileType guess_type(std::string_view name, std::string_view bytes) {
  if (bytes.starts_with("%PDF-")) return FileType::k_pdf;
  const std::string lower_name = lower(name);
  for (const auto& [ending, type] : k_endings) {
    if (lower_name.ends_with(ending)) return type;
  }
  if (lower_name.ends_with(".pdf") &&
      bytes.substr(0, k_pdf_header_within).find("%PDF-") != std::string_view::npos) {
    return FileType::k_pdf;  // some have a few bytes of their own in front
  }
  return is_web_page(bytes) ? FileType::k_html : FileType::k_text;
}

std::optional<std::string> known_binary(std::string_view bytes) {
  for (const Magic& magic : k_binaries) {
    if (bytes.size() > magic.offset && bytes.substr(magic.offset).starts_with(magic.bytes)) {
      return magic.what;
    }
  }
  return std::nullopt;
}

}  // namespace vecdb

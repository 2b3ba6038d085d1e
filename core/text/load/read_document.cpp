#include "text/load/read_document.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "text/load/compression.h"
#include "text/load/encoding.h"
#include "text/load/front_matter.h"
#include "text/load/html_text.h"
#include "text/load/pdf_text.h"
#include "text/load/skipped.h"
#include "text/load/tables.h"
#include "text/split/unicode.h"

namespace vecdb {

namespace {

bool is_blank(std::string_view text) { return strip_python_space(text).empty(); }

// The source is decoded in one piece, and the one section is the text from `begin` on.
void take_text(Document& document, std::size_t begin, std::uint64_t line) {
  Section section;
  section.line = line;
  DecodedText& decoded = document.decoded;
  if (decoded.map.is_copy()) {  // places can be found without the text
    section.text = std::exchange(decoded.text, {});
    section.text.erase(0, begin);
  } else {
    section.text = decoded.text.substr(begin);
  }
  section.map = SourceMap(begin);
  if (!section.text.empty()) document.sections.push_back(std::move(section));
}

void take_markdown(Document& document) {
  const auto matter = read_front_matter(document.decoded.text);
  if (!matter) return take_text(document, 0, 1);
  document.meta = matter->meta;
  take_text(document, matter->end, 1 + matter->lines);
}

void take_html(Document& document) {
  HtmlText page = read_html(document.decoded.text);
  if (is_blank(page.text)) refuse("is a web page that holds no text");
  Json meta = Json::object();
  if (!page.title.empty()) meta["title"] = page.title;
  if (!page.language.empty()) meta["lang"] = page.language;
  if (!meta.empty()) document.meta = dump_json(meta);
  Section section;
  section.text = std::move(page.text);
  section.map = std::move(page.map);
  document.sections.push_back(std::move(section));
}

void take_pdf(Document& document, std::string_view bytes, std::uint64_t max_bytes) {
  const PdfText pdf = read_pdf(bytes, max_bytes);
  if (find_invalid_utf8(pdf.text)) refuse("is a PDF whose text is not UTF-8");
  std::uint64_t page = 1;
  std::uint64_t line = 1;
  for (std::size_t begin = 0; begin < pdf.text.size(); ++page) {
    const auto end = std::min(pdf.text.find('\f', begin), pdf.text.size());
    Section section;
    section.text = pdf.text.substr(begin, end - begin);
    section.map = SourceMap(begin);
    section.line = line;
    section.meta = dump_json({{"page", page}});
    line += static_cast<std::uint64_t>(std::ranges::count(section.text, '\n'));
    if (!is_blank(section.text)) document.sections.push_back(std::move(section));
    begin = end + 1;
  }
  if (document.sections.empty()) {
    refuse("is a PDF that holds no text; if its pages are images, run a program that reads them");
  }
  if (pdf.is_damaged) {
    document.skipped.push_back(
        {document.uri, "is a damaged PDF: some of its text may be missing; the rest was read"});
  }
}

DecodedText decode(std::string bytes, FileType type, const LoadOptions& options) {
  const auto binary = known_binary(bytes);
  try {
    const std::string hint =
        type == FileType::k_html ? canonical_encoding(stated_encoding(bytes)) : "";
    return decode_text(std::move(bytes), options.encoding, hint);
  } catch (const Error&) {
    if (binary && options.encoding.empty()) refuse("is " + *binary + ", not text");
    throw;
  }
}

void take(Document& document, FileType type, const LoadOptions& options) {
  switch (type) {
    case FileType::k_markdown:
      return take_markdown(document);
    case FileType::k_html:
      return take_html(document);
    case FileType::k_csv:
      return read_csv(document, ',', options.text_field);
    case FileType::k_tsv:
      return read_csv(document, '\t', options.text_field);
    case FileType::k_jsonl:
      return read_json_lines(document, options.text_field);
    case FileType::k_text:
    case FileType::k_pdf:  // handled before: its bytes are no text
      return take_text(document, 0, 1);
  }
}

}  // namespace

void read_document(Document& document, std::string bytes, const LoadOptions& options) {
  if (bytes.empty()) refuse("is empty");
  document.sha256 = sha256_hex(bytes);
  document.size = bytes.size();
  std::string_view name = document.uri;
  if (const auto compression = guess_compression(bytes)) {
    bytes = decompress(*compression, bytes, options.max_bytes);
    name = without_compression_ending(name);
  }
  const FileType type = options.type.value_or(guess_type(name, bytes));
  document.type = name_of(type);
  if (type == FileType::k_pdf) return take_pdf(document, bytes, options.max_bytes);
  document.decoded = decode(std::move(bytes), type, options);
  take(document, type, options);
}

}  // namespace vecdb

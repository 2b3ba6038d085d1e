#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vecdb {

struct PdfText {
  std::string text;         // UTF-8; each page ends with a form feed
  bool is_damaged = false;  // the reader met errors: some of the text may be missing
};

// The text of a PDF, in reading order, by poppler's program pdftotext: a process of its own, with
// limits of time and memory, since PDFs of others crash readers. At most `max_bytes`.
//
// Throws k_io with the reason alone when the program is not installed, when the file needs a
// password, is broken or too large, and at an interrupt.
PdfText read_pdf(std::string_view bytes, std::uint64_t max_bytes);

}  // namespace vecdb

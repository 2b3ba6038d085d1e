#pragma once

#include <string>
#include <string_view>

#include "text/load/source_map.h"

namespace vecdb {

// What a web page says, as text.
struct HtmlText {
  std::string text;
  SourceMap map;      // to the page
  std::string title;  // of <title>, and <html lang>; empty for none
  std::string language;
};

// The text of a page in the order of the document: white space as a browser collapses it, except
// in <pre> and <textarea>; paragraphs and other blocks apart by an empty line, list items and table
// rows by a line end, cells by a tab. Without <head>, scripts, styles, templates and what stands in
// for them (<noscript>, <iframe>, …). `page` is well-formed UTF-8.
//
// Throws k_io with the reason alone for a page that nests deeper than 1,000 elements or has a tag
// with more attributes than that (parsing takes time that grows with their square), for one whose
// tree takes more than a hundred times its size and 64 MB, and when it is interrupted.
HtmlText read_html(std::string_view page);

// The encoding that a page states in its first bytes, in <meta charset> or its older form; empty
// for none. ISO-8859-1 and ASCII are read as windows-1252 there, as browsers do.
std::string stated_encoding(std::string_view page);

}  // namespace vecdb

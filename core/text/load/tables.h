#pragma once

#include <string>

#include "text/load/document.h"

namespace vecdb {

// Rows of a table as sections. The document has its decoded text; it is given the sections, whose
// maps lead to whole rows, with "row" (from 1, header and empty lines not counted) and the other
// fields in their meta; and the rows that are none, in `skipped`. Rows without text are passed
// over.
//
// `text_field`: the field that is the text. Throws k_io with the reason alone when there is none of
// that name in the table.

// The first row is the header. Without a `text_field` a row's text has a line "NAME: VALUE" for
// each column, as LangChain's CSVLoader makes it, and nothing but the row goes to meta.
void read_csv(Document& document, char delimiter, const std::string& text_field);

// One JSON object a line. `text_field`, "text" when empty, holds a string.
void read_json_lines(Document& document, const std::string& text_field);

}  // namespace vecdb

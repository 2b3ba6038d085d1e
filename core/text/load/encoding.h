#pragma once

#include <string>
#include <string_view>

#include "text/load/document.h"

namespace vecdb {

// The name of an encoding as this program prints it ("windows-1251"), or empty for a name that is
// not known.
std::string canonical_encoding(const std::string& name);

// Decodes a source's bytes. `encoding` is empty for whatever they are in, and `hint` an encoding
// that they state themselves, which counts where they are not UTF-8.
//
// In order: a byte order mark; UTF-16 without one, by its zero bytes; UTF-8; the hint; then a guess
// (encoding_guess.h) that would rather refuse than be wrong.
//
// Throws k_io with the reason alone ("is empty", "is binary: NUL at byte 2", "is not UTF-8: byte
// 17; …") when the bytes are no text, or not wholly in the encoding: nothing is replaced.
DecodedText decode_text(std::string bytes, const std::string& encoding,
                        const std::string& hint = "");

}  // namespace vecdb

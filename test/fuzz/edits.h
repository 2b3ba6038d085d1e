#pragma once

#include <string>

#include "fuzz.h"

namespace vecdb::fuzz {

// Changes a sound file as the rest of the input says: five bytes an edit, of which the first names
// what is done (below), two the place and two the value. So an input stays small, whatever the file,
// and is the same damage in each build.
//
//   bits 0-2  0 one byte, 1 a number of 4 bytes, 2 one of 8 bytes, 3 cut here, 4 zeros for a while,
//             5 bytes put in, 6 bytes from elsewhere in the file, 7 one bit
//   bit 3     place in the first 256 bytes
//   bit 4     the number is an interesting one
std::string edited(std::string file, Parts& edits);

// A number as an edit has it: small, or one at which something overflows.
std::uint64_t number_of(unsigned value, bool is_interesting);

}  // namespace vecdb::fuzz

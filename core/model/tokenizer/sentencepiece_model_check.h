#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vecdb {

// Proves that `file` is a SentencePiece model (a protobuf message ModelProto) that the library can
// load and run without harm, and that it is one of XLM-RoBERTa's kind: unigram, <unk> <s> </s>
// first, other pieces normal or unused and none twice, scores finite, white space collapsed and put
// in front of words. Returns the number of pieces. Throws k_model naming `name` otherwise.
//
// The library, 0.2.1, trusts its file: it recurses once for each byte of a piece (its issue 1263)
// and follows the normaliser's trie wherever that leads (its issue 1269). A field that protobuf
// would merge or let win when it stands twice is refused, so that what is checked is what is
// loaded; fields that have no part in encoding are passed over.
std::size_t check_sentencepiece_model(std::string_view file, const std::string& name);

// The error for a file that is no such model.
[[noreturn]] void refuse_sentencepiece_model(const std::string& name, const std::string& why);

}  // namespace vecdb

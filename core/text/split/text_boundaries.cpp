#include "text/split/text_boundaries.h"

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <limits>
#include <string>

#include "base/error.h"

namespace vecdb {

namespace {

UBreakIteratorType type_of(TextUnit unit) {
  switch (unit) {
    case TextUnit::k_sentence:
      return UBRK_SENTENCE;
    case TextUnit::k_line_part:
      return UBRK_LINE;
    case TextUnit::k_grapheme:
      break;
  }
  return UBRK_CHARACTER;
}

void check(UErrorCode status) {
  if (U_FAILURE(status) == 0) return;
  throw Error(ErrorKind::k_io, std::string("ICU: cannot find the boundaries of a text: ") +
                                   u_errorName(status) + "; install the libicu of this release");
}

}  // namespace

struct TextBoundaries::Impl {
  std::unique_ptr<UBreakIterator, decltype(&ubrk_close)> iterator{nullptr, &ubrk_close};
  std::unique_ptr<UText, decltype(&utext_close)> text{nullptr, &utext_close};
};

TextBoundaries::TextBoundaries(TextUnit unit) : m_impl(std::make_unique<Impl>()) {
  UErrorCode status = U_ZERO_ERROR;
  m_impl->iterator.reset(ubrk_open(type_of(unit), "", nullptr, 0, &status));
  check(status);
}

TextBoundaries::~TextBoundaries() = default;

void TextBoundaries::split(std::string_view text, const std::function<void(ByteRange)>& take) {
  if (text.empty()) return;
  if (text.size() > std::numeric_limits<std::int32_t>::max()) check(U_INDEX_OUTOFBOUNDS_ERROR);
  UErrorCode status = U_ZERO_ERROR;
  UText* opened = utext_openUTF8(m_impl->text.get(), text.data(),
                                 static_cast<std::int64_t>(text.size()), &status);
  if (!m_impl->text) m_impl->text.reset(opened);
  ubrk_setUText(m_impl->iterator.get(), opened, &status);
  check(status);
  std::size_t start = 0;
  for (std::int32_t end = ubrk_next(m_impl->iterator.get()); end != UBRK_DONE;
       end = ubrk_next(m_impl->iterator.get())) {
    const auto stop = static_cast<std::size_t>(end);
    take({start, stop});
    start = stop;
  }
}

}  // namespace vecdb

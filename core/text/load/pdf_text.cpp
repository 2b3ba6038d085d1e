#include "text/load/pdf_text.h"

#include "base/error.h"
#include "base/subprocess.h"
#include "text/load/skipped.h"

namespace vecdb {

namespace {

constexpr const char* k_program = "pdftotext";
constexpr SubprocessLimits k_limits{.seconds = 120, .memory = std::uint64_t{2} << 30U};

}  // namespace

PdfText read_pdf(std::string_view bytes, std::uint64_t max_bytes) {
  SubprocessLimits limits = k_limits;
  limits.output = max_bytes;
  const auto result =
      run_with_file({k_program, "-enc", "UTF-8", std::string(k_input_file), "-"}, bytes, limits);
  switch (result.end) {
    case SubprocessEnd::k_exited:
      break;
    case SubprocessEnd::k_not_found:
      refuse("is a PDF, and reading it needs pdftotext; install poppler-utils");
    case SubprocessEnd::k_out_of_time:
      refuse("is a PDF that pdftotext did not finish within 120 seconds");
    case SubprocessEnd::k_too_much_output:
      refuse("holds more text than the limit of " + std::to_string(max_bytes) + " bytes");
    case SubprocessEnd::k_interrupted:
      refuse("reading it was interrupted");
    case SubprocessEnd::k_killed:
      refuse("is a PDF that pdftotext fails on (it crashed, or needs more than 2 GiB of memory)");
  }
  const auto says = [&](std::string_view words) {
    return result.errors.find(words) != std::string::npos;
  };
  if (says("Incorrect password")) refuse("is encrypted: it needs a password");
  if (result.status == 3) refuse("is a PDF whose author does not permit to copy its text");
  if (result.status != 0) refuse("is a broken PDF");
  return {std::move(result.output), says("Syntax Error")};
}

}  // namespace vecdb

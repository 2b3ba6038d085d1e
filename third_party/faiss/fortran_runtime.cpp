// The little that BLAS and LAPACK take from Fortran's run-time library on the ways that FAISS calls
// them. Debian's libgfortran.a cannot be part of a shared library, and loading libgfortran.so and
// libquadmath.so would cost every start of the program.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

extern "C" {

// Called by a routine of which an argument, counted from 1, makes no sense: a bug of its caller.
// LAPACK means programs to have one of their own; Fortran's prints and stops likewise.
[[noreturn]] void xerbla_(const char* routine, const int* argument, std::size_t routine_length) {
  std::fprintf(stderr, "%.*s: argument %d has an illegal value\n", static_cast<int>(routine_length),
               routine, *argument);
  std::abort();
}

// out = a // b: cut, or filled with blanks, to the length of out. None ends with a NUL.
void _gfortran_concat_string(std::size_t out_length, char* out, std::size_t a_length, const char* a,
                             std::size_t b_length, const char* b) {
  a_length = std::min(a_length, out_length);
  b_length = std::min(b_length, out_length - a_length);
  out = std::copy_n(a, a_length, out);
  out = std::copy_n(b, b_length, out);
  std::fill_n(out, out_length - a_length - b_length, ' ');
}

}  // extern "C"

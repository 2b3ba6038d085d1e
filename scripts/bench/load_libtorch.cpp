// The least a program that uses libtorch can cost: it loads the libraries, asks one question so
// that the linker keeps them, and exits as programs do.
#include <ATen/Parallel.h>

int main() { return at::get_num_threads() > 0 ? 0 : 1; }

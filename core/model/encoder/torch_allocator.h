#pragma once

namespace vecdb {

// Has libtorch take the memory of its tensors from here instead of malloc, from now on and in the
// whole process.
//
// Activations come and go in the same few sizes, layer after layer. glibc's malloc (2.36) cannot
// give a freed block to a request of the same size and alignment again, so its heap grows with
// every layer: a batch of 1,024 tokens in a base-size JinaBERT took 460 MB in place of 60. Mapping
// each large block anew costs a small model a fifth of its speed. Here up to 64 MiB of freed blocks
// of up to 16 MiB are kept for the next requests of any thread; larger blocks are mapped one by
// one.
void use_block_allocator();

}  // namespace vecdb

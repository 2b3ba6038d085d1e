# Zstandard. Debian: libzstd-dev.
static_library(zstd::zstd zstd.h zstd)

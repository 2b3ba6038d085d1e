# zlib. Debian: zlib1g-dev.
static_library(zlib::zlib zlib.h z)

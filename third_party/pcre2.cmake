# PCRE2, 8-bit code units (UTF-8). Debian: libpcre2-dev.
static_library(pcre2::pcre2 pcre2.h pcre2-8)

# PCRE2, 8-bit code units (UTF-8). Debian: libpcre2-dev.
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET GLOBAL libpcre2-8)
add_library(pcre2::pcre2 ALIAS PkgConfig::PCRE2)

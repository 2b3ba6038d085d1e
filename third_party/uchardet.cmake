# uchardet, which tells encodings by the statistics of letters. Debian: libuchardet-dev.
find_package(PkgConfig REQUIRED)
pkg_check_modules(UCHARDET REQUIRED IMPORTED_TARGET GLOBAL uchardet)
add_library(uchardet::uchardet ALIAS PkgConfig::UCHARDET)

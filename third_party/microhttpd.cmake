# GNU libmicrohttpd, an HTTP server. Debian: libmicrohttpd-dev.
find_package(PkgConfig REQUIRED)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET GLOBAL libmicrohttpd)
add_library(microhttpd::microhttpd ALIAS PkgConfig::MICROHTTPD)

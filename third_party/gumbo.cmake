# Gumbo, Google's HTML5 parser. Debian: libgumbo-dev.
find_package(PkgConfig REQUIRED)
pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET GLOBAL gumbo)
add_library(gumbo::gumbo ALIAS PkgConfig::GUMBO)

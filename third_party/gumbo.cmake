# Gumbo, Google's HTML5 parser. Debian: libgumbo-dev.
static_library(gumbo::gumbo gumbo.h gumbo)

# uchardet, which tells encodings by the statistics of letters. Debian: libuchardet-dev.
static_library(uchardet::uchardet uchardet/uchardet.h uchardet)

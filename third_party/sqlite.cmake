# SQLite. Debian: libsqlite3-dev.
static_library(sqlite::sqlite sqlite3.h sqlite3)
target_link_libraries(sqlite::sqlite INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)

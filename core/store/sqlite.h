#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

// SQLite as the catalogue needs it. Every failure is an Error that names the file: k_damaged when
// SQLite finds the file malformed or without the tables it must have, k_busy, or k_io.
namespace vecdb {

class Database;

// One run of an SQL statement. Borrows the compiled form from its Database, which must outlive it.
class Statement {
 public:
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  bool step();  // whether there is a (next) row
  void run();   // to the end, ignoring rows

  // Columns of the current row, from 0.
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;
  double real(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* compiled)
      : m_database(&database), m_compiled(compiled) {}
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::string_view value);

  Database* m_database;
  sqlite3_stmt* m_compiled;
};

enum class OpenMode {
  k_create,     // a new file, alone in using it
  k_write,      // never checkpoints by itself when it closes
  k_read,       // neither writes nor checkpoints; may make the -wal and -shm files
  k_immutable,  // touches nothing and takes no lock: only where nobody can write
};

// A connection, for one thread at a time.
class Database {
 public:
  Database(const std::filesystem::path& file, OpenMode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::filesystem::path& file() const noexcept { return m_file; }

  // A statement with its parameters bound in order; compiled once for each different `sql`.
  template <typename... Values>
  Statement query(std::string_view sql, const Values&... values) {
    Statement statement = prepare(sql);
    int parameter = 0;
    (statement.bind(++parameter, values), ...);
    return statement;
  }

  // From now on an interrupt ends a running statement: k_io. Not for what must be done to its end.
  void stop_at_interrupts();

  // Moves the write-ahead log into the file and empties it, as far as readers allow.
  void checkpoint();

  // Copies all that this connection sees, one state of it when it has a transaction open, to a file
  // that is not there yet. False when an interrupt came first; then there is a part of it.
  bool copy_to(const std::filesystem::path& file);

  // Makes the file smaller, through the log, when many of its pages are unused.
  void release_space();

 private:
  friend class Statement;
  Statement prepare(std::string_view sql);
  void configure(OpenMode mode);
  bool has_failed_to_read() const;
  [[noreturn]] void fail(int code) const;

  std::filesystem::path m_file;
  sqlite3* m_connection = nullptr;
  std::map<std::string, std::vector<sqlite3_stmt*>, std::less<>> m_idle;
};

// The one write transaction of a connection; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& m_database;
  bool m_open = true;
};

}  // namespace vecdb

#include "store/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "base/interrupt.h"
#include "store/damage.h"
#include "store/store.h"

namespace vecdb {

namespace {

constexpr int k_busy_timeout_ms = 5000;

// A path as an SQLite URI. immutable=1 can be asked for in no other way.
std::string immutable_uri(const std::filesystem::path& file) {
  constexpr char k_digits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : file.string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#' || byte < 0x20 || byte > 0x7e) {
      uri += {'%', k_digits[byte >> 4], k_digits[byte & 15]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::k_create:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case OpenMode::k_write:
      return SQLITE_OPEN_READWRITE;
    case OpenMode::k_read:
      return SQLITE_OPEN_READONLY;
    case OpenMode::k_immutable:
      return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  }
  std::terminate();
}

// What is neither known to be the system's fault nor a lock is the file's: a missing table, a wrong
// type, a broken constraint.
ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return ErrorKind::k_busy;
    case SQLITE_PERM:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_TOOBIG:
    case SQLITE_NOLFS:
    case SQLITE_AUTH:
      return ErrorKind::k_io;
    default:
      return ErrorKind::k_damaged;
  }
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : m_database(other.m_database), m_compiled(std::exchange(other.m_compiled, nullptr)) {}

Statement::~Statement() {
  if (m_compiled == nullptr) return;
  sqlite3_reset(m_compiled);
  sqlite3_clear_bindings(m_compiled);
  const auto idle = m_database->m_idle.find(std::string_view(sqlite3_sql(m_compiled)));
  try {
    idle->second.push_back(m_compiled);
  } catch (...) {
    sqlite3_finalize(m_compiled);
  }
}

void Statement::bind(int parameter, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(m_compiled, parameter, value); code != SQLITE_OK) {
    m_database->fail(code);
  }
}

void Statement::bind(int parameter, std::string_view value) {
  const char* bytes = value.empty() ? "" : value.data();  // null would bind NULL
  const int code = sqlite3_bind_text64(m_compiled, parameter, bytes, value.size(), SQLITE_TRANSIENT,
                                       SQLITE_UTF8);
  if (code != SQLITE_OK) m_database->fail(code);
}

bool Statement::step() {
  const int code = sqlite3_step(m_compiled);
  if (code != SQLITE_ROW && code != SQLITE_DONE) m_database->fail(code);
  return code == SQLITE_ROW;
}

void Statement::run() {
  while (step()) {
  }
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(m_compiled, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(m_compiled, column));
  if (bytes == nullptr) {
    if (sqlite3_column_type(m_compiled, column) == SQLITE_NULL) return {};
    m_database->fail(SQLITE_NOMEM);
  }
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(m_compiled, column))};
}

std::string Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(m_compiled, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(m_compiled, column))};
}

double Statement::real(int column) const { return sqlite3_column_double(m_compiled, column); }

bool Statement::is_null(int column) const {
  return sqlite3_column_type(m_compiled, column) == SQLITE_NULL;
}

// An absolute path, because SQLite gives "file:…" and ":memory:" a meaning of their own.
Database::Database(const std::filesystem::path& file, OpenMode mode)
    : m_file(std::filesystem::absolute(file)) {
  const std::string name = mode == OpenMode::k_immutable ? immutable_uri(m_file) : m_file.string();
  const int flags = flags_of(mode) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(name.c_str(), &m_connection, flags, nullptr);
  try {
    if (code != SQLITE_OK) fail(code);
    configure(mode);
  } catch (...) {
    for (const auto& [sql, compiled] : m_idle) {
      for (sqlite3_stmt* one : compiled) sqlite3_finalize(one);
    }
    sqlite3_close(m_connection);
    throw;
  }
}

Database::~Database() {
  for (const auto& [sql, compiled] : m_idle) {
    for (sqlite3_stmt* one : compiled) sqlite3_finalize(one);
  }
  sqlite3_close(m_connection);
}

void Database::configure(OpenMode mode) {
  sqlite3_busy_timeout(m_connection, k_busy_timeout_ms);
  sqlite3_db_config(m_connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(m_connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(m_connection, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(m_connection, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  if (mode != OpenMode::k_create) {
    sqlite3_db_config(m_connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  query("PRAGMA cell_size_check=ON").run();
  query("PRAGMA synchronous=FULL").run();
  query("PRAGMA cache_size=-32768").run();  // KiB; a large commit spills less into the log
  query("PRAGMA foreign_keys=ON").run();
  if (mode == OpenMode::k_read || mode == OpenMode::k_immutable) {
    query("PRAGMA query_only=ON").run();
  }
}

Statement Database::prepare(std::string_view sql) {
  auto idle = m_idle.find(sql);
  if (idle == m_idle.end()) idle = m_idle.emplace(std::string(sql), 0).first;
  if (!idle->second.empty()) {
    sqlite3_stmt* compiled = idle->second.back();
    idle->second.pop_back();
    return {*this, compiled};
  }
  sqlite3_stmt* compiled = nullptr;
  const int code = sqlite3_prepare_v3(m_connection, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &compiled, nullptr);
  if (code != SQLITE_OK) fail(code);
  return {*this, compiled};
}

void Database::stop_at_interrupts() {
  constexpr int k_steps = 10'000;  // of SQLite's machine between two looks
  sqlite3_progress_handler(
      m_connection, k_steps, [](void*) { return pending_interrupt(); }, nullptr);
}

void Database::checkpoint() {
  sqlite3_busy_timeout(m_connection, 0);  // a reader may stay for hours
  const int code = sqlite3_wal_checkpoint_v2(m_connection, nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  sqlite3_busy_timeout(m_connection, k_busy_timeout_ms);
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) fail(code);
}

bool Database::copy_to(const std::filesystem::path& file) {
  constexpr int k_pages = 4096;  // between two looks for an interrupt
  Database copy(file, OpenMode::k_create);
  copy.query("PRAGMA journal_mode=OFF").run();  // what is cut short is of no use
  copy.query("PRAGMA synchronous=OFF").run();
  sqlite3_backup* backup =
      sqlite3_backup_init(copy.m_connection, "main", m_connection, "main");
  if (backup == nullptr) copy.fail(sqlite3_extended_errcode(copy.m_connection));
  int code = SQLITE_OK;
  while (code == SQLITE_OK && pending_interrupt() == 0) {
    code = sqlite3_backup_step(backup, k_pages);
  }
  sqlite3_backup_finish(backup);
  if (code != SQLITE_OK && code != SQLITE_DONE) copy.fail(code);
  return code == SQLITE_DONE;
}

void Database::release_space() {
  const auto pragma = [&](const char* sql) {
    Statement statement = query(sql);
    return statement.step() ? statement.integer(0) : 0;
  };
  if (pragma("PRAGMA freelist_count") * 10 > pragma("PRAGMA page_count")) query("VACUUM").run();
}

// Whether the disk, rather than the file, is at fault: SQLite calls a page that could not be read a
// corrupt one.
bool Database::has_failed_to_read() const {
  if (m_connection == nullptr) return false;
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    int error = 0;
    if (sqlite3_file_control(m_connection, "main", which, &file) != SQLITE_OK) continue;
    if (file == nullptr || file->pMethods == nullptr) continue;
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    if (error == EIO || error == ENXIO || error == ERANGE) return true;
  }
  return false;
}

void Database::fail(int code) const {
  const bool has_own_text =
      m_connection != nullptr && sqlite3_extended_errcode(m_connection) == code;
  const std::string why =
      std::string(has_own_text ? sqlite3_errmsg(m_connection) : sqlite3_errstr(code)) +
      " (SQLite " + std::to_string(code) + ")";
  const ErrorKind kind = kind_of(code);
  if (code == SQLITE_IOERR_CORRUPTFS || (kind == ErrorKind::k_damaged && has_failed_to_read())) {
    throw Error(ErrorKind::k_io, m_file.string() +
                                     ": cannot be read: the disk fails; copy the store to another "
                                     "one as far as it can be read, and repair it there");
  }
  if (kind == ErrorKind::k_damaged) throw damaged(m_file, why);
  if (code == SQLITE_READONLY_ROLLBACK) {
    throw damaged(m_file.string() + "-journal",
                  "is of another program, which was cut short while it changed the catalogue");
  }
  throw Error(kind, m_file.string() + ": " + why +
                        (kind == ErrorKind::k_busy ? "; try again"
                                                   : "; check the space and the permissions"));
}

Transaction::Transaction(Database& database) : m_database(database) {
  m_database.query("BEGIN IMMEDIATE").run();
}

Transaction::~Transaction() {
  if (!m_open) return;
  try {
    m_database.query("ROLLBACK").run();
  } catch (...) {  // SQLite has rolled back by itself
  }
}

void Transaction::commit() {
  m_database.query("COMMIT").run();
  m_open = false;
}

std::string sqlite_version() { return sqlite3_libversion(); }

}  // namespace vecdb

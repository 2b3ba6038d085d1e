#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "store/sqlite.h"
#include "store/store.h"

// The catalogue's tables, and the settings that are fixed when it is made.
namespace vecdb {

inline constexpr std::int64_t k_application_id = 0x76656364;  // "vecd"

// Bytes of a page of the catalogue.
inline constexpr std::size_t k_catalogue_page = 4096;

// Fills an empty database with the tables, the settings and generation 0.
void create_schema(Database& database, const StoreSettings& settings, const std::string& store_id);

// Throws k_damaged unless this is a catalogue of our format with exactly our tables.
void check_schema(Database& database);

struct FixedSettings {
  StoreSettings settings;
  std::string store_id;  // the same as in HEAD
};
FixedSettings read_settings(Database& database);

}  // namespace vecdb

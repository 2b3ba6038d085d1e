#include "load_flags.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "flags.h"
#include "text/load/encoding.h"

namespace vecdb {

namespace {

bool is_table(FileType type) {
  return type == FileType::k_csv || type == FileType::k_tsv || type == FileType::k_jsonl;
}

}  // namespace

void add_load(CLI::App& app, LoadOptions& load) {
  std::map<std::string, std::optional<FileType>> types = {{"auto", std::nullopt}};
  for (const FileType type :
       {FileType::k_text, FileType::k_markdown, FileType::k_html, FileType::k_pdf, FileType::k_csv,
        FileType::k_tsv, FileType::k_jsonl}) {
    types.emplace(name_of(type), type);
  }
  add_choice(app, "--type", load.type, types, "What files hold; default auto: by content and name");
  const auto take_encoding = [&load](const std::string& name) {
    load.encoding = name == "auto" ? "" : canonical_encoding(name);
    if (name != "auto" && load.encoding.empty()) {
      throw Error(ErrorKind::k_usage,
                  "--encoding " + name + ": is not known; `iconv -l` lists most of the names");
    }
  };
  app.add_option_function<std::string>("--encoding", take_encoding,
                                       "What text is encoded in; default auto")
      ->type_name("NAME");
  add_verbatim(
      app, "--text-field",
      [&load](std::string name) {
        if (name.empty()) {
          throw Error(ErrorKind::k_usage, "--text-field: is empty; name a column or field");
        }
        load.text_field = std::move(name);
      },
      "The column or field of a table that is its text; the others are metadata")
      ->type_name("NAME");
  app.add_flag_callback(
      "--strict", [&load] { load.malformed = Malformed::k_refuse; },
      "Stop at a row or record that cannot be read");
  app.parse_complete_callback([&load] {
    if (load.text_field.empty() || !load.type || is_table(*load.type)) return;
    throw Error(ErrorKind::k_usage, std::string("--text-field: has no meaning with --type ") +
                                        name_of(*load.type) +
                                        "; only csv, tsv and jsonl have fields");
  });
}

}  // namespace vecdb

#include "model/checkpoint/checkpoint_prompts.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "model/checkpoint/checkpoint_files.h"
#include "model/json_fields.h"

namespace vecdb {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t k_max_licence_bytes = 200;
constexpr const char* k_query_task = "retrieval.query";
constexpr const char* k_passage_task = "retrieval.passage";

struct ModelCard {
  std::vector<std::string> front_matter;
  std::vector<std::string> body;
};

ModelCard read_card(const fs::path& checkout) {
  std::istringstream text(read_model_card(checkout));
  ModelCard card;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    card.body.push_back(line);
  }
  if (card.body.empty() || card.body.front() != "---") return card;
  const auto end = std::find(card.body.begin() + 1, card.body.end(), "---");
  if (end == card.body.end()) return card;
  card.front_matter.assign(card.body.begin() + 1, end);
  card.body.erase(card.body.begin(), end + 1);
  return card;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// How the card calls the model: its first heading, and the model-index's name.
std::vector<std::string> titles(const ModelCard& card) {
  std::vector<std::string> found;
  const auto named =
      std::find_if(card.front_matter.begin(), card.front_matter.end(), [](const std::string& line) {
        std::string text = trimmed(line);
        if (text.starts_with("-")) text = trimmed(text.substr(1));
        return text.starts_with("name:");
      });
  if (named != card.front_matter.end()) found.push_back(*named);
  const auto heading = std::find_if(card.body.begin(), card.body.end(),
                                    [](const std::string& line) { return line.starts_with("#"); });
  if (heading != card.body.end()) found.push_back(*heading);
  return found;
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "e5" as a word of its own: "multilingual-e5-small".
bool names_e5(const std::string& text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const bool here = (text[i] == 'e' || text[i] == 'E') && text[i + 1] == '5';
    const bool starts = i == 0 || !is_alphanumeric(text[i - 1]);
    const bool ends = i + 2 == text.size() || !is_alphanumeric(text[i + 2]);
    if (here && starts && ends) return true;
  }
  return false;
}

// Whether it is of the E5 family (arXiv:2212.03533).
bool is_e5(const fs::path& checkout, const std::string& config_name, const std::string& name) {
  std::vector<std::string> said = titles(read_card(checkout));
  const fs::path folder = fs::absolute(checkout).lexically_normal();
  said.insert(said.end(), {name, config_name,
                           (folder.has_filename() ? folder : folder.parent_path()).filename()});
  return std::any_of(said.begin(), said.end(), names_e5);
}

std::map<std::string, std::string> texts_of(JsonFields& fields, const std::string& key) {
  std::map<std::string, std::string> texts;
  if (!fields.has(key)) return texts;
  for (const auto& [name, value] : fields.object(key).items()) {
    if (!value.is_string()) throw fields.wrong(key + ": " + name + " is not a string");
    texts[name] = value.get<std::string>();
  }
  return texts;
}

// The one text that these names have in common; empty when none of them has any.
std::string one_of(const std::map<std::string, std::string>& prompts,
                   std::initializer_list<const char*> names, const JsonFields& fields) {
  std::string text;
  for (const char* name : names) {
    const auto found = prompts.find(name);
    if (found == prompts.end() || found->second.empty()) continue;
    if (!text.empty() && text != found->second) {
      throw fields.wrong(std::string("prompts: ") + name +
                         " differs from another for the same use");
    }
    text = found->second;
  }
  return text;
}

std::string agreed(const std::string& said, const std::optional<std::string>& given,
                   const std::string& flag, const JsonFields& fields) {
  if (!said.empty() && given && *given != said) {
    throw fields.wrong("prompts say \"" + said + "\", " + flag + " says \"" + *given + "\"");
  }
  return said.empty() ? given.value_or("") : said;
}

// Where there are prompts and none has a name of a question's or a passage's, the user must say
// which is which.
void require_known(const std::map<std::string, std::string>& prompts, const GivenPrefixes& given,
                   const JsonFields& fields) {
  if (given.query && given.passage) return;
  std::string unknown;
  for (const auto& [name, text] : prompts) {
    if (text.empty()) continue;
    for (const char* known : {"query", "passage", "document", k_query_task, k_passage_task}) {
      if (name == known) return;
    }
    unknown += (unknown.empty() ? "" : ", ") + name;
  }
  if (unknown.empty()) return;
  throw fields.wrong("prompts: " + unknown +
                     ": neither a question's nor a passage's by name; give "
                     "both --query-prefix and --passage-prefix");
}

std::map<std::string, Prompt> read_tasks(const EncoderShape& shape, JsonFields& config,
                                         const std::map<std::string, std::string>& prompts,
                                         const JsonFields& prompt_fields) {
  const auto instructions = texts_of(config, "task_instructions");
  std::map<std::string, Prompt> tasks;
  for (std::size_t i = 0; i < shape.adapters.size(); ++i) {
    const std::string& task = shape.adapters[i];
    const auto instruction = instructions.find(task);
    if (instruction == instructions.end()) {
      throw config.wrong("task_instructions says nothing of the task \"" + task + "\"");
    }
    const auto prompt = prompts.find(task);
    if (prompt != prompts.end() && prompt->second != instruction->second) {
      throw prompt_fields.wrong("prompts: \"" + task + "\" is not config.json's task_instructions");
    }
    tasks[task] = {.prefix = instruction->second, .task = static_cast<int>(i)};
  }
  return tasks;
}

}  // namespace

CheckpointPrompts read_checkpoint_prompts(const fs::path& checkout, const EncoderShape& shape,
                                          const std::string& name, const GivenPrefixes& given) {
  const fs::path path = checkout / "config_sentence_transformers.json";
  const Json json = read_checkpoint_json_if_present(path);
  JsonFields fields(json, path.string(), "");
  const auto prompts = texts_of(fields, "prompts");
  if (fields.has("default_prompt_name")) {
    throw fields.wrong(
        "default_prompt_name is \"" + fields.text("default_prompt_name") +
        "\"; vecdb puts no prompt before texts that are neither question nor passage");
  }
  const fs::path config_path = checkout / "config.json";
  const Json config_json = read_checkpoint_json(config_path);
  JsonFields config(config_json, config_path.string(), "");

  CheckpointPrompts result;
  result.tasks = read_tasks(shape, config, prompts, fields);
  if (result.tasks.contains(k_query_task) && result.tasks.contains(k_passage_task)) {
    if (given.query || given.passage) {
      throw config.wrong("task_instructions says the prefixes; give none");
    }
    result.query = result.tasks.at(k_query_task);
    result.passage = result.tasks.at(k_passage_task);
    return result;
  }
  require_known(prompts, given, fields);
  result.query.prefix = agreed(one_of(prompts, {"query", k_query_task}, fields), given.query,
                               "--query-prefix", fields);
  result.passage.prefix = agreed(one_of(prompts, {"passage", "document", k_passage_task}, fields),
                                 given.passage, "--passage-prefix", fields);
  const bool none = result.query.prefix.empty() && result.passage.prefix.empty();
  const std::string config_name = config.has("_name_or_path") ? config.text("_name_or_path") : "";
  if (none && !given.query && !given.passage && is_e5(checkout, config_name, name)) {
    throw Error(ErrorKind::k_model,
                checkout.string() +
                    ": is an E5 model, which needs prefixes, and says none; its authors' are "
                    "--query-prefix 'query: ' --passage-prefix 'passage: '");
  }
  return result;
}

std::string read_checkpoint_licence(const fs::path& checkout) {
  for (const auto& line : read_card(checkout).front_matter) {
    if (!line.starts_with("license:")) continue;
    const std::string licence = trimmed(line.substr(line.find(':') + 1));
    if (licence.size() <= k_max_licence_bytes) return licence;
  }
  return "not stated";
}

}  // namespace vecdb

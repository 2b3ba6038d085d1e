#include <cstdio>

#include "base/json.h"
#include "commands.h"
#include "console.h"
#include "model/model_check.h"
#include "model/model_library.h"
#include "model/task_name.h"

namespace vecdb {

namespace {

void print_list(const GlobalOptions& global) {
  const Style style = style_for(global);
  const std::string& chosen = global.default_model;
  for (const InstalledModel& model : installed_models()) {
    if (global.json) {
      Output::write(dump_json({{"name", model.name},
                               {"folder", model.folder.string()},
                               {"default", model.name == chosen}}) +
                    "\n");
    } else {
      Output::write(style.shown(model.name) + "\t" + style.shown(model.folder.string()) +
                    (model.name == chosen ? "\tdefault" : "") + "\n");
    }
  }
}

void print_model(const Model& model, const GlobalOptions& global) {
  const ModelManifest& manifest = model.manifest();
  const std::string tests =
      manifest.self_tests.empty() ? "none" : counted(manifest.self_tests.size(), "text");
  Json tasks = Json::array();
  for (const auto& [name, prompt] : manifest.tasks) tasks.push_back(name);
  const Json facts = {{"name", manifest.name},
                      {"folder", model.folder().string()},
                      {"source", manifest.source},
                      {"fingerprint", model.fingerprint()},
                      {"architecture", manifest.encoder.architecture},
                      {"layers", manifest.encoder.num_hidden_layers},
                      {"dimension", manifest.dimension()},
                      {"dimensions", manifest.dimensions},
                      {"window", manifest.window},
                      {"pooling", manifest.pooling},
                      {"normalize", manifest.normalize},
                      {"query_prefix", manifest.query.prefix},
                      {"passage_prefix", manifest.passage.prefix},
                      {"query_task", task_name(manifest.query.task, manifest.encoder)},
                      {"passage_task", task_name(manifest.passage.task, manifest.encoder)},
                      {"tasks", tasks},
                      {"licence", manifest.licence},
                      {"self-test", tests}};
  if (global.json) {
    Output::write(dump_json(facts) + "\n");
    return;
  }
  const Style style = style_for(global);
  for (const auto& [name, value] : facts.items()) {
    Output::write(name + std::string(16 - name.size(), ' ') +
                  (value.is_string() ? style.shown(value.get<std::string>()) : dump_json(value)) +
                  "\n");
  }
}

void print_check(const std::string& name, const ModelCheck& check, const GlobalOptions& global) {
  if (global.json) {
    Json facts = {{"name", name},
                  {"tensors", check.tensors},
                  {"self_tests", check.self_tests},
                  {"worst_cosine_f32", check.worst_cosine_f32},
                  {"worst_cosine_bf16", check.worst_cosine_bf16}};
    if (check.worst_cosine_int8) facts["worst_cosine_int8"] = *check.worst_cosine_int8;
    Output::write(dump_json(facts) + "\n");
  }
  char cosines[128] = "self-test: none";
  if (check.self_tests > 0) {
    const int length =
        std::snprintf(cosines, sizeof cosines, "%s, worst cosine %.7f in f32, %.5f in bf16",
                      counted(check.self_tests, "self-test text").c_str(), check.worst_cosine_f32,
                      check.worst_cosine_bf16);
    if (check.worst_cosine_int8) {
      std::snprintf(cosines + length, sizeof cosines - static_cast<std::size_t>(length),
                    ", %.4f in int8", *check.worst_cosine_int8);
    }
  }
  print_warning(global, name + ": is right: " + counted(check.tensors, "tensor") + ", " + cosines);
}

// The model is named after `folder` where the user gives no name.
MakeModelOptions options_of(const ModelCommand& command, const std::filesystem::path& folder) {
  const auto path = std::filesystem::absolute(folder).lexically_normal();
  const auto base = path.has_filename() ? path.filename() : path.parent_path().filename();
  return {.name = command.name.value_or(base.string()),
          .source = {},
          .prefixes = {.query = command.query_prefix, .passage = command.passage_prefix},
          .link_weights = false};
}

}  // namespace

int run(const ModelCommand& command, const GlobalOptions& global) {
  const std::string name = command.name.value_or(global.default_model);
  switch (command.action) {
    case ModelAction::k_list:
      print_list(global);
      break;
    case ModelAction::k_show:
      print_model(open_model(name), global);
      break;
    case ModelAction::k_verify:
      print_check(name, check_model(open_model(name)), global);
      break;
    case ModelAction::k_make:
      make_model_folder(command.folder, command.out, options_of(command, command.out));
      print_warning(global, command.out + ": made");
      break;
    case ModelAction::k_add: {
      const MakeModelOptions options = options_of(command, command.folder);
      add_model(command.folder, options);
      print_warning(global, "model " + options.name + ": added");
      break;
    }
    case ModelAction::k_pull:
      pull(command, global);
      break;
    case ModelAction::k_remove:
      remove_model(name);
      print_warning(global, "model " + name + ": removed");
      break;
  }
  return 0;
}

}  // namespace vecdb

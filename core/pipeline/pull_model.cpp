#include "pipeline/pull_model.h"

#include <algorithm>

#include "base/error.h"
#include "model/model_library.h"
#include "model/model_manifest.h"
#include "net/repository_name.h"

namespace vecdb {

namespace {

// Whether a model of this name with these weights is installed. Throws k_model when one with other
// weights is.
bool is_installed(const std::string& name, const std::string& weights_sha256,
                  const GivenPrefixes& given) {
  const auto models = installed_models();
  const auto found = std::find_if(models.begin(), models.end(),
                                  [&](const auto& model) { return model.name == name; });
  if (found == models.end()) return false;
  const ModelManifest manifest = read_manifest(found->folder);
  if (manifest.files.at(k_weights_file) == weights_sha256) {
    const bool same_prefixes =
        given.query.value_or(manifest.query.prefix) == manifest.query.prefix &&
        given.passage.value_or(manifest.passage.prefix) == manifest.passage.prefix;
    if (same_prefixes) return true;
    throw Error(ErrorKind::k_model, "model " + name + ": is installed in " +
                                        found->folder.string() +
                                        " with other prefixes; remove it first, or use --name");
  }
  throw Error(ErrorKind::k_model, "model " + name + ": is installed in " + found->folder.string() +
                                      " with other weights; remove it first, or use --name");
}

// Throws k_network when the user trusts other weights than these.
void require_trusted(const PullOptions& options, const std::string& weights_sha256) {
  if (options.weights_sha256.empty() || options.weights_sha256 == weights_sha256) return;
  throw Error(ErrorKind::k_network, options.repository + "@" + options.revision + ": " +
                                        k_weights_file + ": its SHA-256 is " + weights_sha256 +
                                        ", another than --sha256; do not use it");
}

// The SHA-256 of the weights before they are fetched; empty when nobody states it.
std::string weights_sha256_of(ModelHub& hub, const PullOptions& options) {
  const auto facts = hub.find(k_weights_file);
  if (!facts || facts->sha256.empty()) return options.weights_sha256;
  require_trusted(options, facts->sha256);
  return facts->sha256;
}

}  // namespace

PulledModel pull_model(const PullOptions& options, CheckoutObserver& observer) {
  CheckoutFolder folder(options.repository);
  require_revision(options.revision);
  const std::string name =
      options.name.value_or(options.repository.substr(options.repository.find('/') + 1));
  require_model_name(name);
  const PulledModel installed{.name = name, .status = PullStatus::k_installed_before};

  Checkout checkout;
  if (options.network.offline) {
    checkout = folder.open(options.revision);
    require_trusted(options, checkout.weights_sha256());
    folder.lock(observer);
  } else {
    folder.lock(observer);
    HttpClient client(options.network);
    ModelHub hub(client, options.repository, options.revision);
    const std::string stated = weights_sha256_of(hub, options);
    if (!stated.empty() && is_installed(name, stated, options.prefixes)) return installed;
    checkout = folder.fetch(client, hub, options.revision, options.weights_sha256, observer);
  }
  if (is_installed(name, checkout.weights_sha256(), options.prefixes)) return installed;

  add_model(checkout.folder, {.name = name,
                              .source = checkout.source,
                              .prefixes = options.prefixes,
                              .link_weights = true});
  return {name, PullStatus::k_added, checkout.source};
}

}  // namespace vecdb

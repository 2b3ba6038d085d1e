#pragma once

#include <optional>
#include <string>

#include "model/checkpoint/make_model.h"
#include "net/checkout.h"
#include "net/network_settings.h"

namespace vecdb {

struct PullOptions {
  std::string repository;           // "OWNER/NAME"
  std::string revision = "main";    // a branch, a tag or a commit
  std::string weights_sha256 = {};  // that the weights must have; empty: what the server states
  std::optional<std::string> name = {};  // of the model; nothing: the repository's last part
  GivenPrefixes prefixes = {};           // where the repository names no prompts
  NetworkSettings network = {};          // offline: what an earlier pull fetched, or nothing
};

enum class PullStatus { k_added, k_installed_before };

struct PulledModel {
  std::string name;
  PullStatus status = PullStatus::k_added;
  std::string source = {};  // "OWNER/NAME@COMMIT"; empty when nothing had to be fetched
};

// Fetches a repository and installs the model that make_model() makes of it; the model shares its
// weights' file with the checkout where the disk can. Nothing is fetched when a model of that name
// with the same weights is installed. Throws k_usage for a name or revision that cannot be one,
// k_network, k_io, and k_model when the name is another model's or no model can be made from the
// repository.
PulledModel pull_model(const PullOptions& options, CheckoutObserver& observer);

}  // namespace vecdb

# libyaml. Debian: libyaml-dev.
static_library(yaml::yaml yaml.h yaml)

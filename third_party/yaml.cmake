# libyaml. Debian: libyaml-dev.
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET GLOBAL yaml-0.1)
add_library(yaml::yaml ALIAS PkgConfig::YAML)

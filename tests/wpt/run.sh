#!/usr/bin/env bash
# Runs web-platform-tests in the sandbox, and fails where other numbers of them pass than tests/wpt/rates.txt says.
# They come with Debian's source package of Node.js, in a tarball that is known by its checksum, and stay in target/wpt. What they do not
# have, or not yet, is what URLPattern is to give: that comes with the crate that the engine is built with. Of URLPattern and of `data:` URLs
# there are lists only, which the two tests in this folder go through.
# Usage: tests/wpt/run.sh PATH_TO_AIOINTERNAL_BINARY [PART_OF_A_PATH]
# With BLESS=1 it writes the numbers; with the part of a path only what has it is run, and what fails is shown.
# It exits with 77 where the tarball cannot be had.
set -euo pipefail

fail() {
  printf 'web-platform-tests: %s\n' "$1" >&2
  exit 1
}

package=nodejs
release=trixie
tarball=nodejs_20.19.2+dfsg.orig.tar.xz
checksum=5e5559381ad031d245a8efa403458abbb73755f74c3e6380f185a4dd342b7949

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=$root/target/wpt
suite=$cache/suite

[ $# -ge 1 ] || fail 'usage: tests/wpt/run.sh PATH_TO_AIOINTERNAL_BINARY [PART_OF_A_PATH]'
binary=$1
[ -x "$binary" ] || fail "no executable at '$binary'; build it first and give its path"
binary=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")
for tool in apt-get node xz; do
  command -v "$tool" >/dev/null || fail "$tool is needed and was not found"
done

checked() { echo "$checksum  $cache/$tarball" | sha256sum --check --status 2>/dev/null; }

mkdir -p "$cache"
if ! checked; then
  # The system's own lists and sources stay as they are.
  apt=$cache/apt
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  # From where the system has its own packages.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -n 1)
  echo "deb-src $mirror $release main" >"$apt/sources.list"
  export APT_CONFIG=$apt/apt.conf
  cat >"$APT_CONFIG" <<END
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt";
APT::Sandbox::User "root";
END
  if ! { apt-get update -q && (cd "$cache" && apt-get source -q --download-only --tar-only "$package") && checked; }; then
    printf 'web-platform-tests: %s\n' "$tarball with the checksum $checksum is not to be had from $release" >&2
    exit 77
  fi
  rm -rf "$suite"
fi
if [ ! -d "$suite" ]; then
  mkdir -p "$suite.partial"
  tar -xJf "$cache/$tarball" -C "$suite.partial" --strip-components=4 --wildcards '*/test/fixtures/wpt/*'
  mv "$suite.partial" "$suite"
fi

manifest=$(cargo metadata --manifest-path "$root/guest/Cargo.toml" --format-version 1 --locked |
  node -p 'JSON.parse(fs.readFileSync(0)).packages.find(({ name }) => name === "urlpattern").manifest_path')
mkdir -p "$suite/urlpattern/resources"
cp "$(dirname "$manifest")/src/testdata/urlpatterntestdata.json" "$suite/urlpattern/resources/"
cp "$here/urlpattern.any.js" "$suite/urlpattern/"
cp "$here/data-urls.any.js" "$suite/fetch/data-urls/"

node "$here/run.mjs" "$binary" "$suite" "${@:2}"

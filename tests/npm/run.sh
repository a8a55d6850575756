#!/usr/bin/env bash
# Runs real npm libraries, as published, through the sandbox and compares what
# each program prints with what Node prints.
# Usage: tests/npm/run.sh PATH_TO_AIOINTERNAL_BINARY
set -euo pipefail

fail() {
  printf 'npm libraries: %s\n' "$1" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$(cd "$here/../.." && pwd)/target/npm

[ $# -eq 1 ] || fail "usage: tests/npm/run.sh PATH_TO_AIOINTERNAL_BINARY"
binary=$1
for tool in node npm; do
  command -v "$tool" >/dev/null || fail "$tool is needed and was not found; install Node.js with npm"
done
if [ ! -f "$binary" ] || [ ! -x "$binary" ]; then
  fail "no executable at '$binary'; build it first and give its path"
fi
# A bare file name would be looked up in PATH instead.
binary=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")

# Node is there anyway, and not every system has sha256sum.
sha256() {
  node -p 'crypto.createHash("sha256").update(fs.readFileSync(process.argv[1])).digest("hex")' "$1"
}

# Both engines are to show one time zone, whatever the machine's is.
export TZ=UTC
mkdir -p "$cache"
passed=0
failed=0

# Runs a script in Node, by the command in `reference`, and in the sandbox, and compares what they print.
compare() {
  local name=$1 version=$2 script=$3 expected printed details code verdict
  expected=$cache/$name.node
  printed=$cache/$name.sandbox
  details=$cache/$name.details
  code=0
  verdict=ok
  : >"$details"
  if ! "${reference[@]}" "$script" >"$expected" 2>"$cache/$name.error"; then
    verdict="Node itself failed"
    # Node quotes the failing line, which in a bundle can be all of it.
    cut -c1-160 "$cache/$name.error" >"$details"
  else
    "$binary" run --timeout 30s "$script" </dev/null >/dev/null 2>"$printed" || code=$?
    if ! cmp -s "$expected" "$printed"; then
      verdict="the output differs (- Node, + sandbox, which exited with $code)"
      # Lines can be long: folded, the diff shows only the parts that differ.
      diff -u --label Node --label sandbox <(fold -w 160 "$expected") <(fold -w 160 "$printed") >"$details" || true
    elif [ "$code" -ne 0 ]; then
      verdict="the sandbox exited with $code"
    elif [ ! -s "$expected" ]; then
      verdict="nothing was printed"
    fi
  fi

  if [ "$verdict" = ok ]; then
    passed=$((passed + 1))
    echo "ok $name $version ($(($(wc -l <"$expected"))) lines)"
  else
    failed=$((failed + 1))
    echo "FAILED $name $version: $verdict"
    head -n 40 "$details"
  fi
}

# Libraries that need the language only, each as one script.
reference=(node "$here/node.mjs")
while read -r -u 3 name version sha path; do
  tarball=$cache/$name-$version.tgz
  script=$cache/$name.js

  # The registry is asked only for what the cache does not hold.
  if [ ! -f "$tarball" ] || [ "$(sha256 "$tarball")" != "$sha" ]; then
    rm -f "$tarball"
    npm pack --silent --pack-destination "$cache" "$name@$version" >/dev/null ||
      fail "could not download $name@$version from the npm registry"
    [ -f "$tarball" ] || fail "npm pack left no $tarball"
    got=$(sha256 "$tarball")
    [ "$got" = "$sha" ] ||
      fail "$name@$version has the wrong checksum: expected $sha, got $got"
  fi

  # Newlines keep a last line of comment and a missing semicolon harmless, and
  # the last statement leaves no completion value to print.
  {
    # What needs the language only is to find no more in either.
    echo 'delete globalThis.crypto; var module = { exports: {} }, exports = module.exports;'
    tar -xzOf "$tarball" "package/$path"
    printf '\n;\n'
    cat "$here/programs/$name.js"
    printf '\n;undefined;\n'
  } >"$script"

  compare "$name" "$version" "$script"
done 3<"$here/packages.txt"

# Libraries that need what a server has beside the language, each bundled with a program that uses it: in Node these run as they are.
bundled=$cache/bundled
mkdir -p "$bundled"
cp "$here"/bundled/package*.json "$bundled/"
npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$bundled" >/dev/null ||
  fail "could not install what $here/bundled/package-lock.json names from the npm registry"
rm -rf "$bundled/programs"
cp -r "$here/bundled/programs" "$bundled/"
reference=(node)
for program in "$bundled"/programs/*.mjs; do
  name=$(basename "$program" .mjs)
  # The sandbox's engine has no Intl.
  "$bundled/node_modules/.bin/esbuild" --bundle --format=esm --platform=browser --target=es2023 --log-level=error \
    --banner:js='delete globalThis.Intl;' --outfile="$cache/$name.bundle.mjs" "$program" ||
    fail "could not bundle $name"
  compare "$name" bundled "$cache/$name.bundle.mjs"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

#!/usr/bin/env bash
# Builds the library without the compiler, in a target folder of its own, as wasmtime is then another; compiles the engine with the
# command; and runs a program that has only what that left. Says how long the build took and how large the program is.
# Usage: tests/precompiled/run.sh PATH_TO_AIOINTERNAL_BINARY
set -euo pipefail

fail() {
  printf 'precompiled: %s\n' "$1" >&2
  exit 1
}

binary=$(realpath "${1:?the path of the command}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

started=$SECONDS
CARGO_TARGET_DIR=target/precompiled cargo build --release -p aiointernal --no-default-features --features js --example precompiled
program=target/precompiled/release/examples/precompiled
printf 'built in %d s, %d bytes\n' $((SECONDS - started)) "$(stat -c %s "$program")"

# Nothing of a compiler is in it.
tree=$(cargo tree -q -p aiointernal --no-default-features --features js -e normal)
if grep -q cranelift-codegen <<<"$tree"; then
  fail 'cranelift is still depended on'
fi

# Fails, and says this.
refused() {
  local said
  if said=$("$program" "$work/$1" '1 + 2' 2>&1); then fail "it ran without code: $said"; fi
  grep -qF "$2" <<<"$said" || fail "expected '$2', and it said: $said"
  grep -qF 'aiointernal compile FOLDER' <<<"$said" || fail "it did not say what helps: $said"
}

refused nothing 'No such file or directory'
mkdir -m 700 "$work/empty"
refused empty 'no file of this component'
# That of another configuration does not fit.
"$binary" compile --fuel "$work/other"
refused other 'compiled with fuel support'
"$binary" compile "$work/code"
[ "$("$program" "$work/code" '1 + 2')" = 3 ] || fail 'it does not run'
[ "$("$program" "$work/code" '[1, 2].map((x) => x * 2)')" = '[ 2, 4 ]' ] || fail 'it does not run'
# Both are looked through.
cp "$work"/code/* "$work/other"
[ "$("$program" "$work/other" '2 + 2')" = 4 ] || fail 'it does not find the one that fits'
# What is damaged is told, and not run.
for file in "$work"/code/*; do printf 'x' | dd of="$file" bs=1 seek=100000 conv=notrunc status=none; done
refused code 'checksum does not match'
chmod 777 "$work/other"
refused other 'others than this user may write it'
echo 'without the compiler: all is as it should be'

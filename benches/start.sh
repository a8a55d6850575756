#!/usr/bin/env bash
# Time and peak memory of the command's first start, which compiles the engine,
# and of the later ones, which find it compiled.
# Usage: benches/start.sh [PATH_TO_AIOINTERNAL_BINARY]
set -euo pipefail

fail() {
  printf 'start: %s\n' "$1" >&2
  exit 1
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=${1:-$root/target/release/aiointernal}
[ -x "$binary" ] || fail "no executable at '$binary'; build it with: cargo build --release"
[ -x /usr/bin/time ] || fail "/usr/bin/time is needed; on Debian: apt-get install time"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints milliseconds and KiB of one run. The clock is not time's own, which
# stops at 10 ms; what time itself takes is in it, so it is shown below.
run() {
  local started=${EPOCHREALTIME/[.,]/} ended
  /usr/bin/time -v -o "$work/report" "$@" >/dev/null
  ended=${EPOCHREALTIME/[.,]/}
  awk -v micros=$((ended - started)) '/Maximum resident/ { printf "%.1f %d\n", micros / 1000, $NF }' "$work/report"
}

# The median of each column of 10 runs.
median() {
  for _ in {1..10}; do run "$@"; done >"$work/runs"
  for column in 1 2; do
    cut -d ' ' -f $column "$work/runs" | sort -n | sed -n 5,6p | awk '{ sum += $1 } END { printf "%.1f ", sum / NR }'
  done
}

row() {
  printf '%-34s %8.1f ms %8.1f MiB\n' "$1" "$2" "$(awk "BEGIN { print $3 / 1024 }")"
}

awk -F ': *' '/model name/ && !seen++ { print "processor  " $2 }' /proc/cpuinfo
echo "cores      $(nproc)"
echo "kernel     $(uname -r)"
echo "load       $(cat /proc/loadavg)"
echo

export XDG_CACHE_HOME=$work/cache
read -r ms kib <<<"$(run "$binary" eval 1)"
row "first start" "$ms" "$kib"
read -r ms kib <<<"$(median "$binary" eval 1)"
row "second start, median of 10" "$ms" "$kib"
read -r ms kib <<<"$(median true)"
row "true, for comparison, median of 10" "$ms" "$kib"
du -h "$XDG_CACHE_HOME"/*/* | awk '{ print "compiled code on disk: " $1 }'

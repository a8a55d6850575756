#!/usr/bin/env bash
# What becomes of limits under the hostile corpus, here and in peers that can be
# installed. Everything goes to target/peers.
# Usage: benches/peers/run.sh [PART_OF_THE_NAME_OF_AN_ENGINE...]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=$root/target/peers
mkdir -p "$target"

if ! cat "$here"/requirements.txt "$here"/package-lock.json | cmp -s - "$target/installed"; then
  rm -f "$target/installed"
  python3 -m venv --clear "$target/venv"
  "$target/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
  cp "$here/package.json" "$here/package-lock.json" "$target"
  # What is compiled is in the packages, so that no script of theirs needs to run.
  npm ci --prefix "$target" --ignore-scripts --no-audit --no-fund --loglevel=error
  cat "$here"/requirements.txt "$here"/package-lock.json >"$target/installed"
fi

cd "$root"
# The last path in parentheses of each line, such as: Executable peers/ours.rs (target/release/deps/peer_ours-0123)
built=$(cargo bench --workspace --no-run --bench peer-ours --bench peer-native 2>&1) || {
  echo "$built" >&2
  exit 1
}
executable() { sed -n "s|^ *Executable peers/$1.rs (\(.*\))$|\1|p" <<<"$built"; }
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/drive.py" "$(executable ours)" "$(executable native)" "$@"

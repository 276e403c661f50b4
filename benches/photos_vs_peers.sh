#!/usr/bin/env bash
# Work on photos against its peers: the same sizes, one thread, in one run.
#
#   benches/photos_vs_peers.sh [PASSES]
#
#   MICROTOME_PEERS   a Python environment (its folder) with the peers; benches/README.md says how to make
#                     one. A peer that is not installed is left out.
#   MICROTOME_PHOTOS_BENCH  our bench, built already    (default: built here, `--bench photos`)
#   CARGO_TARGET_DIR  where to build
#
# Everybody prints `work<TAB>who<TAB>times a second`; the table has the best of all passes, ours beside the
# fastest peer and every other.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
passes=${1:-2}
python=${MICROTOME_PEERS:?set MICROTOME_PEERS to an environment with the peers}/bin/python
[ -x "$python" ] || { echo "$python: no such program" >&2; exit 2; }

cd "$root"
built() {
    cargo build --release --locked --quiet --message-format=json --bench photos | "$python" -c '
import json, sys
for message in map(json.loads, sys.stdin):
    if message.get("executable") and message["target"]["name"] == "photos":
        print(message["executable"])'
}
ours=${MICROTOME_PHOTOS_BENCH:-$(built)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VIPS_CONCURRENCY=1 RAYON_NUM_THREADS=1 NO_ALBUMENTATIONS_UPDATE=1
# Everybody once, then everybody again: a neighbour who comes and goes disturbs all alike.
for _ in $(seq "$passes"); do
    "$ours" >>"$scratch/lines"
    for peer in benches/photos/peers_*.py; do
        "$python" "$peer" 2>"$scratch/errors" >>"$scratch/lines" || {
            echo "$peer failed: $(tail -n 1 "$scratch/errors")" >&2
        }
    done
done
"$python" - "$scratch/lines" <<'TABLE'
import sys

best = {}
for line in open(sys.argv[1]):
    parts = line.rstrip("\n").split("\t")
    if len(parts) == 3:
        work, who, rate = parts
        rates = best.setdefault(work, {})
        rates[who] = max(rates.get(who, 0.0), float(rate))
print("| work | ours a second | fastest peer | ratio | others |\n|---|--:|---|--:|---|")
for work, rates in best.items():
    ours = rates.pop("ours", None)
    if ours is None:
        continue
    peers = sorted(rates.items(), key=lambda peer: -peer[1])
    first = f"{peers[0][0]} {peers[0][1]:.0f} | {ours / peers[0][1]:.2f}" if peers else "– | –"
    rest = ", ".join(f"{who} {rate:.0f} ({ours / rate:.1f}x)" for who, rate in peers[1:])
    print(f"| {work} | {ours:.0f} | {first} | {rest} |")
TABLE

#!/usr/bin/env bash
# Draws, caps and folds of whole manifests against their peers: the same rows, in one run; and the steps end to end.
#
#   benches/tables_vs_peers.sh [ROWS]       (default: 10000000)
#
#   MICROTOME_PEERS   a Python environment (its folder) with the peers; benches/README.md says how to make
#                     one. A peer that is not installed is left out.
#   MICROTOME_TABLES  a folder for the table, which is kept there  (default: a new one, deleted)
#   CARGO_TARGET_DIR  where to build
#
# In memory: everybody starts with columns that are loaded, ours on one thread. End to end: from a manifest to a manifest, as
# whole processes, with peak memory.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rows=${1:-10000000}
python=${MICROTOME_PEERS:?set MICROTOME_PEERS to an environment with the peers}/bin/python
[ -x "$python" ] || { echo "$python: no such program" >&2; exit 2; }
export PYTHONDONTWRITEBYTECODE=1

cd "$root"
built() {
    cargo build --release --locked --quiet --message-format=json "$@" | "$python" -c '
import json, sys
for message in map(json.loads, sys.stdin):
    if message.get("executable") and message["target"]["name"] in ("tables", "microtome"):
        print(message["executable"])'
}
bench=$(built --bench tables | grep tables)
microtome=$(built --bin microtome | grep 'microtome$')
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
table=${MICROTOME_TABLES:-$scratch}/rows-$rows
[ -f "$table/manifest.parquet" ] || "$bench" make "$table" "$rows"
echo "$(date +%F), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $rows rows, $(stat -c %s "$table/manifest.parquet") bytes"

"$bench" "$rows" >>"$scratch/lines"
"$python" benches/tables/peers.py "$table" "$scratch/peer.parquet" >>"$scratch/lines" 2>"$scratch/errors" ||
    echo "peers failed: $(tail -n 1 "$scratch/errors")" >&2
"$python" - "$scratch/lines" <<'TABLE'
import sys

works = {}
for line in open(sys.argv[1]):
    work, who, seconds = line.rstrip("\n").split("\t")
    works.setdefault(work, {})[who] = float(seconds)
print("| in memory | ours, s | peers, s | ratio |\n|---|--:|---|--:|")
for work, by in works.items():
    ours = by.pop("ours", None)
    peers = "; ".join(f"{who} {seconds:.3f}" for who, seconds in by.items())
    ratios = "; ".join(f"{seconds / ours:.1f}" for seconds in by.values()) if ours else ""
    if work.startswith("largest"):
        print(f"| {work} | {ours:.6f} | " + "; ".join(f"{who} {v:.6f}" for who, v in by.items()) + " | |")
    else:
        print(f"| {work} | {'' if ours is None else f'{ours:.3f}'} | {peers} | {ratios} |")
TABLE

echo "| end to end | wall s | CPU s | peak MB | rows out |"
echo "|---|--:|--:|--:|--:|"
whole() {
    local name=$1
    shift
    rm -rf "$scratch/out"
    "$python" - "$name" "$microtome" "$@" -o "$scratch/out" --quiet --json <<'RUN'
import json, resource, subprocess, sys, time

begun = time.perf_counter()
ran = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE)
took, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
if ran.returncode:
    sys.exit(f"{sys.argv[1]}: exit {ran.returncode}")
out = sys.argv[sys.argv.index("-o") + 1]
rows = json.load(open(f"{out}/run.json"))["steps"][-1]["items"]
print(f"| {sys.argv[1]} | {took:.1f} | {used.ru_utime + used.ru_stime:.1f} | {used.ru_maxrss / 1000:.0f} | {rows} |")
RUN
}
whole "balanced draw of 1 M" sample "$table" --target equal --mode both --size 1000000
whole "cap of 200 per (patient, class)" sample "$table" --target natural --cap group=200
whole "1000 of each class" sample "$table" --target equal --size 10000
whole "stratified group folds, 5" split "$table" --folds 5

#!/usr/bin/env bash
# Tiling against its peers: the same slide, the same patches, whole processes, in one run.
#
#   benches/tile_vs_peers.sh [SLIDE] [REPEATS]
#
#   MICROTOME_BENCH   folder of the bench slides      (default slide: bench_he_40000x30000_q80.tif there)
#   MICROTOME_PYTHON  a Python with openslide-python, openslide-bin and Pillow
#   MICROTOME_BIN     a microtome that is built already (default: built here, profile release)
#   CARGO_TARGET_DIR  where to build
# vips (Debian: libvips-tools) and the Python packages are peers: what is missing has no row.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
slide=${1:-${MICROTOME_BENCH:?set MICROTOME_BENCH, or name a slide}/bench_he_40000x30000_q80.tif}
repeats=${2:-3}
[ -f "$slide" ] || { echo "$slide: no such slide" >&2; exit 2; }
slide=$(realpath "$slide")
python=${MICROTOME_PYTHON:-python3}
export VIPS_CONCURRENCY=2

cd "$root"
# The path of the executable of a target (`--bin NAME`, `--bench NAME`), as cargo tells it: the folder
# depends on the caller's settings.
built() {
    cargo build --release --quiet --message-format=json "$@" | "$python" -c '
import json, sys
for message in map(json.loads, sys.stdin):
    if message.get("executable") and message["target"]["name"] == sys.argv[1]:
        print(message["executable"])' "$2"
}
microtome=${MICROTOME_BIN:-$(built --bin microtome)}
floor=$(built --bench codec_floor)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" benches/tile_vs_peers.py "$slide" "$microtome" "$floor" "$scratch" "$repeats"

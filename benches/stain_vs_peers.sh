#!/usr/bin/env bash
# Stain normalisation against its peers: the same pixels, one thread, CPU time, in one run.
#
#   benches/stain_vs_peers.sh [PASSES]
#
#   MICROTOME_DATA    real data; the images are ../stain/images beside it
#   MICROTOME_PEERS   a Python environment (its folder) with the peers; benches/README.md says how to
#                     make one. A peer that is not installed is reported as such.
#   MICROTOME_STAIN_BENCH  our bench, built already     (default: built here, `--bench stain`)
#   CARGO_TARGET_DIR  where to build
#
# Our bench is given the folder of pixels (source-256.rgb, source-1024.rgb, target-512.rgb: R, G, B
# bytes) and prints `loop<TAB>side<TAB>threads<TAB>Mpx/s`, as stain_peers.py does. Its loops:
#   copy                      the bytes, copied in the cache: the roof
#   fixed, lasso, reinhard-fixed   change alone, profiles given: the product of tables; amounts not
#                             negative; CIELAB
#   hed                       augmentation, drawn anew for each image
#   macenko, vahadane, reinhard, reinhard-modified, ruifrok   fit the image, and change it
# Lines for two threads give the speed-up.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
passes=${1:-3}
images=${MICROTOME_DATA:-$root/../shared/data}/../stain/images
python=${MICROTOME_PEERS:?set MICROTOME_PEERS to an environment with the peers}/bin/python
[ -x "$python" ] || { echo "$python: no such program" >&2; exit 2; }
[ -f "$images/tia_target.png" ] || { echo "$images: no images" >&2; exit 2; }

cd "$root"
# The path of the executable of our bench, as cargo tells it.
built() {
    cargo build --release --locked --quiet --message-format=json --bench stain | "$python" -c '
import json, sys
for message in map(json.loads, sys.stdin):
    if message.get("executable") and message["target"]["name"] == "stain":
        print(message["executable"])'
}
ours=${MICROTOME_STAIN_BENCH:-$(built)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" benches/stain_peers.py images "$images/tia_target.png" "$images/cmu_512.png" "$scratch"
# Everybody once, then everybody again: a neighbour who comes and goes disturbs all alike.
for _ in $(seq "$passes"); do
    "$ours" "$scratch" >>"$scratch/lines"
    for peer in $("$python" benches/stain_peers.py names); do
        "$python" benches/stain_peers.py run "$peer" "$scratch" 2>"$scratch/errors" >>"$scratch/lines" || {
            printf '#%s\tfailed: %s\n' "$peer" "$(tail -n 1 "$scratch/errors")" >>"$scratch/lines"
        }
    done
done
"$python" benches/stain_peers.py table "$scratch/lines" "$passes"

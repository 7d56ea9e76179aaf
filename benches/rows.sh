#!/usr/bin/env bash
# What a row costs: 10,000 rows of an 8x8 graph, without and with the disk cache, then again when all are done.
#
#     benches/rows.sh [PROGRAM] [ROWS]
#
# Writes the time per row in milliseconds, and the peak of the memory for a tenth of the rows and for all of them.
set -euo pipefail
program="$(realpath "${1:-target/release/dreamwire}")"
rows="${2:-10000}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > graph.json <<'JSON'
{ "flat": {"class_type": "SolidColor", "inputs": {"width": 8, "height": 8, "colour": "#405060"}},
  "soft": {"class_type": "Adjust", "inputs": {"image": ["flat", 0],
    "exposure": {"__curve__": {"1": -0.5, "10000": 0.5}}}},
  "save": {"class_type": "SaveImage", "inputs": {"images": ["soft", 0], "filename_prefix": "b/{frame:05}"}} }
JSON

# NAME ROWS OPTIONS...
measure() {
    local name="$1" count="$2" begin end peak
    shift 2
    begin=$(date +%s%N)
    # The peak of the program itself, in kB.
    peak=$( { /usr/bin/time -f %M "$program" run graph.json --frames "1-$count" --progress none "$@" >/dev/null; } 2>&1 | tail -1)
    end=$(date +%s%N)
    awk -v name="$name" -v count="$count" -v ns=$((end - begin)) -v peak="$peak" \
        'BEGIN { printf "%-28s %6d rows %8.2f ms per row %8.1f MB\n", name, count, ns / 1e6 / count, peak / 1024 }'
}

measure "without the cache, a tenth" $((rows / 10)) --no-cache --out out0
measure "without the cache" "$rows" --no-cache --out out1
measure "with the cache" "$rows" --cache cache --out out2
measure "all done" "$rows" --cache cache --out out2

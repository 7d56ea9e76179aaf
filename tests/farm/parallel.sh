#!/usr/bin/env bash
# Six pictures of a folder through GNU parallel: one is broken at first, and only its part is run again. Then all rows
# through xargs.
#
#     parallel.sh FOLDER PROGRAM
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
begin "$@"
need parallel parallel

rows=(--seeds 1-6 --no-metadata)
"$program" run "my graph.json" "${rows[@]}" --out "my photos" >"$work/log" 2>&1 || fail "the run" "$work/log"
cat >invert.json <<GRAPH
{
  "photo": { "class_type": "LoadImage", "inputs": { "image": "x.png" } },
  "invert": { "class_type": "Invert", "inputs": { "image": ["photo", "IMAGE"] } },
  "save": { "class_type": "SaveImage", "inputs": { "images": ["invert", "IMAGE"], "filename_prefix": "{stem}" } }
}
GRAPH
rows=("--each=photo.image=my photos/*.png" --no-metadata)
"$program" run invert.json "${rows[@]}" --out expected >"$work/log" 2>&1 || fail "the run" "$work/log"

script="{.} it's.sh"
"$program" farm export parallel invert.json "${rows[@]}" --shards 3 --program "$program" --out "out put" \
    --cache "$work/cache" -o "$script" >"$work/log" 2>&1 || fail "the export" "$work/log"

broken="$(find "my photos" -name 'seed004*.png')"
cp "$broken" "$work/whole.png"
head -c 100 "$work/whole.png" >"$broken"
cd / # A script runs from anywhere.
code=0
bash "$place/$script" >"$work/log" 2>&1 || code=$?
[ "$code" = 9 ] || fail "exit 9 was expected with a broken picture, not $code" "$work/log"
[ "$(pictures "$place/out put" | wc -l)" = 5 ] || fail "five pictures were expected" "$work/log"

cp "$work/whole.png" "$place/$broken"
bash "$place/$script" >"$work/log" 2>&1 || fail "the second time" "$work/log"
same_pictures "$place/expected" "$place/out put"
[ "$(grep -c '^part 2:' "$work/log")" -gt 0 ] && ! grep -q '^part [13]:' "$work/log" \
    || fail "only part 2 was to be run again" "$work/log"

rm -r "$place/out put"
seq 3 | xargs -P 2 -n 1 bash "$place/$script" >"$work/log" 2>&1 || fail "xargs" "$work/log"
same_pictures "$place/expected" "$place/out put"
echo "parallel: 6 rows in 3 parts, one failed and was run again; xargs"

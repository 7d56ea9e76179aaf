#!/usr/bin/env bash
# comfy-cli: runs a graph on the server at ADDRESS and downloads its picture as OUT/noise.png; uploads that, blurs it and
# downloads OUT/blurred.png. The graphs leave out what has a default.
#
#     comfy_cli.sh FOLDER ADDRESS OUT
set -euo pipefail

folder="$(cd "$1" && pwd)" address="$2" out="$3"
python="$folder/comfy-cli/bin/python"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

# Its settings and jobs go to a home of its own, and nothing is reported to its makers.
comfy() {
    env -i PATH="$PATH" HOME="$work" LANG=C.UTF-8 DO_NOT_TRACK=1 COMFY_LOCAL_URL="$address" \
        "$folder/comfy-cli/bin/comfy" --skip-prompt --where local "$@"
}

# The value of a field of the last line, which tells how a command ended.
field() {
    tail -n 1 | "$python" -c 'import functools, json, sys
value = functools.reduce(lambda value, key: value[int(key) if key.isdigit() else key], sys.argv[1].split("."), json.load(sys.stdin))
print(value)' "$1"
}

# Runs the graph $work/NAME.json and downloads its picture as OUT/NAME.png.
picture() {
    local name="$1" host port
    host="${address#http://}" port="${address##*:}" host="${host%%:*}"
    comfy run --workflow "$work/$name.json" --wait --json --host "$host" --port "$port" >"$work/$name.out" \
        || { cat "$work/$name.out"; exit 1; }
    comfy --json download "$(field data.prompt_id <"$work/$name.out")" --out-dir "$work/$name" >"$work/$name.down" \
        || { cat "$work/$name.down"; exit 1; }
    cp "$(field data.files.0.path <"$work/$name.down")" "$out/$name.png"
    "$python" - "$out/$name.png" <<'PY'
import struct, sys

with open(sys.argv[1], "rb") as file:
    head = file.read(24)
assert head[:8] == b"\x89PNG\r\n\x1a\n", f"{sys.argv[1]} is no PNG: {head!r}"
size = struct.unpack(">II", head[16:])
assert size == (16, 16), f"{sys.argv[1]} is {size}"
PY
    echo "comfy-cli: $name.png is a PNG of 16x16"
}

cat >"$work/noise.json" <<'JSON'
{
  "noise": { "class_type": "NoiseImage", "inputs": { "width": 16, "height": 16, "seed": 1 } },
  "save": { "class_type": "SaveImage", "inputs": { "images": ["noise", 0], "filename_prefix": "comfy_cli" } }
}
JSON
picture noise

cp "$out/noise.png" "$work/comfy_cli.png"
comfy --json upload "$work/comfy_cli.png" >"$work/upload.out" || { cat "$work/upload.out"; exit 1; }
name="$(field data.uploads.0.cloud_name <"$work/upload.out")"
echo "comfy-cli: uploaded $name"

cat >"$work/blurred.json" <<JSON
{
  "load": { "class_type": "LoadImage", "inputs": { "image": "$name" } },
  "blur": { "class_type": "Blur", "inputs": { "image": ["load", 0], "sigma": 1.5 } },
  "save": { "class_type": "SaveImage", "inputs": { "images": ["blur", 0], "filename_prefix": "comfy_cli_blurred" } }
}
JSON
picture blurred
if cmp -s "$out/noise.png" "$out/blurred.png"; then
    echo "comfy-cli: the blurred picture is the other one"
    exit 1
fi

#!/usr/bin/env bash
# Fetches the clients of ComfyUI's server into FOLDER, as they were published, and keeps them there: comfy-cli and
# comfy-script from PyPI, each in an environment of its own, the others from npm. All versions are in the files beside
# this one; packages that only other uses of comfy-script need are left out.
#
#     prepare.sh FOLDER
#
# Exit code 77: something cannot be had here; the last line says what.
set -euo pipefail

folder="$1"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
mkdir -p "$folder"

missing() {
    echo "skipped: $1"
    exit 77
}

{ command -v node && command -v npm; } >/dev/null || missing "node and npm are not installed"
node -e "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)" || missing "node is older than 20"
python3 -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || missing "there is no python3, or one older than 3.11"

if [ ! -d "$folder/node_modules" ] || ! cmp -s "$here/package-lock.json" "$folder/package-lock.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$folder"
    (cd "$folder" && npm ci --ignore-scripts --omit=peer --no-audit --no-fund) >"$folder/npm.log" 2>&1 \
        || { rm -f "$folder/package-lock.json"; missing "npm cannot get the clients ($folder/npm.log)"; }
fi

for client in comfy-cli comfy-script; do
    if ! cmp -s "$here/$client.txt" "$folder/$client/installed.txt"; then
        rm -rf "${folder:?}/$client"
        { python3 -m venv "$folder/$client" \
            && "$folder/$client/bin/python" -m pip install --no-deps -r "$here/$client.txt"; } \
            >"$folder/$client.log" 2>&1 || missing "pip cannot get $client ($folder/$client.log)"
        cp "$here/$client.txt" "$folder/$client/installed.txt"
    fi
done

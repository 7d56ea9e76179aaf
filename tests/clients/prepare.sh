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
. "$here/../fetch.sh"
mkdir -p "$folder"

need_node
python3 -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || missing "there is no python3, or one older than 3.11"
npm_install "$here" "$folder" --ignore-scripts --omit=peer

for client in comfy-cli comfy-script; do
    if ! cmp -s "$here/$client.txt" "$folder/$client/installed.txt"; then
        rm -rf "${folder:?}/$client"
        python3 -m venv "$folder/$client" >"$folder/venv.log" 2>&1 || missing "python3 makes no venv ($folder/venv.log)"
        fetch "$folder/$client.log" "pip cannot get $client" \
            "$folder/$client/bin/python" -m pip install --no-deps -r "$here/$client.txt"
        cp "$here/$client.txt" "$folder/$client/installed.txt"
    fi
done

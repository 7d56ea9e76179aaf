# What the scripts of this folder share; it is sourced. They are given FOLDER, where what is fetched is kept, and the
# program that they test. They leave nothing else.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../fetch.sh"

# fail WHAT [FILE]: ends the script, and shows a file.
fail() {
    echo "failed: $1" >&2
    [ -z "${2-}" ] || sed 's/^/    /' "$2" >&2
    exit 1
}

# need COMMAND PACKAGE...: installs Debian's packages if the command is not there.
need() {
    local command="$1"
    shift
    command -v "$command" >/dev/null && return
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        missing "$command is not installed"
    fi
    fetch "$folder/apt.log" "$command is not installed, and apt-get cannot get it" \
        sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"' - "$@"
}

# begin FOLDER PROGRAM: goes to a new folder whose name needs quotes everywhere, with a graph whose name does too.
begin() {
    mkdir -p "$1"
    folder="$(cd "$1" && pwd)"
    program="$(realpath "$2")"
    work="$(mktemp -d)"
    trap end EXIT
    place="$work/it's \"ü\" {job} #1"
    mkdir "$place"
    cd "$place"
    export DREAMWIRE_CACHE=off
    cat >"my graph.json" <<GRAPH
{
  "noise": { "class_type": "NoiseImage", "inputs": { "width": 64, "height": 64 } },
  "blur": { "class_type": "Blur", "inputs": { "image": ["noise", "IMAGE"] } },
  "save": { "class_type": "SaveImage", "inputs": { "images": ["blur", "IMAGE"], "filename_prefix": "seed{seed:03}" } }
}
GRAPH
}

end() {
    rm -rf "$work"
}

# pictures FOLDER: the names and hashes of the pictures in it.
pictures() {
    (cd "$1" && find . -name '*.png' -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum)
}

# same_pictures EXPECTED FOUND: fails unless a folder has the same pictures as another, and no unfinished file.
same_pictures() {
    diff <(pictures "$1") <(pictures "$2") >"$work/diff" || fail "$2 has other pictures than $1" "$work/diff"
    [ -z "$(find "$2" -name '.dreamwire-*.tmp')" ] || fail "$2 has unfinished files"
}

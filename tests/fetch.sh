# What the scripts prepare.sh of the tests share; it is sourced.

# Ends the script: something cannot be had here, and the test is skipped.
missing() {
    echo "skipped: $1"
    exit 77
}

# fetch LOG WHAT COMMAND...: runs a command that needs the network, for a limited time: without a network some wait long.
fetch() {
    local log="$1" what="$2"
    shift 2
    if command -v timeout >/dev/null; then set -- timeout -k 10 150 "$@"; fi
    "$@" >"$log" 2>&1 </dev/null || missing "$what ($log)"
}

need_node() {
    { command -v node && command -v npm; } >/dev/null || missing "node and npm are not installed"
    node -e "process.exit(process.versions.node.split('.')[0] >= 20 ? 0 : 1)" || missing "node is older than 20"
}

# npm_install FROM FOLDER OPTIONS...: what FROM/package-lock.json names, into FOLDER, unless it is there.
npm_install() {
    local from="$1" folder="$2"
    shift 2
    if [ ! -d "$folder/node_modules" ] || ! cmp -s "$from/package-lock.json" "$folder/installed.json"; then
        rm -f "$folder/installed.json"
        cp "$from/package.json" "$from/package-lock.json" "$folder"
        fetch "$folder/npm.log" "npm cannot get what $from/package.json names" \
            npm ci --prefix "$folder" --no-audit --no-fund "$@"
        cp "$from/package-lock.json" "$folder/installed.json"
    fi
}

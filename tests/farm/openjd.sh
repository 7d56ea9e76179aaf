#!/usr/bin/env bash
# Six rows through the command of Open Job Description, which is fetched from PyPI and kept in FOLDER: the template is
# checked and run to its end, again, with a failure, and with paths of another machine.
#
#     openjd.sh FOLDER PROGRAM
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
begin "$@"

version=0.8.0
openjd="$folder/openjd-$version/bin/openjd"
if [ ! -x "$openjd" ]; then
    rm -rf "$folder/openjd-$version"
    fetch "$folder/pip.log" "pip cannot get openjd-cli" \
        sh -c 'python3 -m venv "$1" && "$1/bin/pip" install --quiet "$2"' - \
        "$folder/openjd-$version" "openjd-cli==$version"
fi

# Runs a template to its end; what is said is in $work/log.
job() { # TEMPLATE [OPTION...]
    PYTHONWARNINGS=ignore "$openjd" run "$@" >"$work/log" 2>&1
}
lines() { # TEXT: how many lines of the log have it
    grep -cF -- "$1" "$work/log" || true
}

# The expected pictures, in one run.
rows=(--seeds 1-6 --no-metadata)
"$program" run "my graph.json" "${rows[@]}" --out expected >"$work/log" 2>&1 || fail "the run" "$work/log"

template="my graph.openjd.json"
"$program" farm export openjd "my graph.json" "${rows[@]}" --chunk 2 --program "$program" --out "out {{put}}" \
    --set 'noise.mean=0.5' --cache "$work/cache" >"$work/log" 2>&1 || fail "the export" "$work/log"
"$openjd" check "$template" >"$work/log" 2>&1 || fail "openjd check" "$work/log"

job "$template" || fail "openjd run" "$work/log"
same_pictures expected "out {{put}}"
[ "$(lines 'openjd_progress: 100')" = 3 ] || fail "three tasks were to tell that they are done" "$work/log"
[ "$(lines 'openjd_fail: ')" = 0 ] || fail "no task was to tell of a failure" "$work/log"

# Again: everything is there. Then some rows, in tasks of one.
job "$template" || fail "the second run" "$work/log"
same_pictures expected "out {{put}}"
rm "out {{put}}"/seed002*.png "out {{put}}"/seed005*.png
job "$template" -p Rows=2-3,5 -p ChunkSize=1 || fail "three rows" "$work/log"
same_pictures expected "out {{put}}"

# A failure is told once, and the last thing that the task tells.
job "$template" -p Graph=none.json && fail "a graph that is not there" "$work/log"
[ "$(lines 'openjd_fail: cannot read the graph')" = 1 ] || fail "one line was to tell of the failure" "$work/log"

# A graph and an option with paths of another machine.
mkdir -p "$work/here/plates"
cp expected/seed001*.png "$work/here/plates/A.png"
cat >load.json <<GRAPH
{
  "photo": { "class_type": "LoadImage", "inputs": { "image": "P:\\\\Show\\\\Plates\\\\A.png" } },
  "save": { "class_type": "SaveImage", "inputs": { "images": ["photo", "IMAGE"], "filename_prefix": "loaded" } }
}
GRAPH
"$program" farm export openjd load.json --program "$program" -o load.template.json >"$work/log" 2>&1 \
    || fail "the export of a graph with paths of another machine" "$work/log"
cat >"$work/rules.json" <<RULES
{ "version": "pathmapping-1.0", "path_mapping_rules": [
  { "source_path_format": "WINDOWS", "source_path": "p:/show", "destination_path": "/nowhere" },
  { "source_path_format": "WINDOWS", "source_path": "p:/show/plates", "destination_path": "$work/here/plates" }
] }
RULES
job load.template.json --path-mapping-rules "file://$work/rules.json" || fail "paths of another machine" "$work/log"
[ "$(find out -name 'loaded*.png' | wc -l)" = 1 ] || fail "the picture of another machine was not loaded" "$work/log"
echo "openjd: 6 rows in 3 tasks, again, some of them, a failure, paths of another machine"

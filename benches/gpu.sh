#!/usr/bin/env bash
# What a machine with a GPU is asked to show, in one go: builds for it, runs the goldens of the networks and the example
# graphs on it, then measures the job that people have, dreams and generators. Prints tables in Markdown; the end says
# what failed. Tens of minutes, most of them to build.
#
#     benches/gpu.sh                                    # CUDA; Metal on macOS
#     DEVICE=cuda:1 PYTHON=/path/to/python3 benches/gpu.sh    # the second GPU, beside this Python's torch
#     DEVICE=cpu SMALL=1 benches/gpu.sh                 # no GPU, small sizes: tries out this script
#
# DEVICE is a device of `dreamwire run --device`. Needs cargo; for CUDA NVIDIA's driver and toolkit. Where PYTHON (python3)
# has numpy and a torch that works on the device, networks are measured beside it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$(uname -s)" in Darwin) default=metal ;; *) default=cuda ;; esac
device="${DEVICE:-$default}"
python="${PYTHON:-python3}"
class="${device%%:*}"
case "$class" in
    cpu) features=() ;;
    cuda | metal) features=(--features "$class") ;;
    *) printf 'error: DEVICE is %s, expected cpu, cuda, cuda:N or metal\n' "$device" >&2; exit 2 ;;
esac
if [ -n "${SMALL:-}" ]; then
    sizes=(64) synthesis=(32 64) steps=2 rounds=1 cases=vgg16-224 profile=("${features[@]+"${features[@]}"}") built=debug
else
    sizes=(512 1024) synthesis=(256 1024) steps=20 rounds=5 built=release
    cases=vgg16-512,vgg16-512-backward,vgg16-1024-backward,stylegan2-256,stylegan2-1024,stylegan2-256-backward
    cases+=,stylegan3-t-256,adain-512,dream-512
    profile=(--release "${features[@]+"${features[@]}"}")
fi
target="${CARGO_TARGET_DIR:-target}/$built"
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT
failed=()

say() { printf '\n## %s (%ss)\n\n' "$1" "$SECONDS"; }
# try NAME COMMAND...: goes on after a failure, and tells it at the end.
try() {
    local name="$1"
    shift
    "$@" || { failed+=("$name"); printf '\n**%s failed**\n' "$name"; }
}

say "build"
cargo build "${profile[@]+"${profile[@]}"}" || exit 1

say "machine"
uname -srm
if [ "$class" = cuda ]; then
    nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader
    nvcc --version | grep release
fi
"$target/dreamwire" devices || exit 1

say "goldens and example graphs"
# Networks against PyTorch's numbers, and pictures against those of the CPU.
tested=(env)
[ "$device" = cpu ] || tested+=(DREAMWIRE_TEST_DEVICE="$device")
try "nets --test golden" "${tested[@]}" \
    cargo test "${profile[@]+"${profile[@]}"}" -p dreamwire-nets --test golden
try "tests --test portable" "${tested[@]}" \
    cargo test "${profile[@]+"${profile[@]}"}" -p dreamwire-tests --test portable

say "dream and style: graphs/dream_then_style.json"
# The first run opens the device and compiles its kernels, the second is what people wait for.
style() {
    local side="$1" TIMEFORMAT=%R seconds
    for number in first second; do
        seconds="$({ time "$target/dreamwire" run graphs/dream_then_style.json --device "$side" --no-cache \
            --set "size.width=${sizes[0]}" --set size.height=0 --set "painting_size.width=${sizes[0]}" \
            --set painting_size.height=0 --set "dream.steps=$steps" --out "$out/$side" >"$out/said.txt" 2>&1; } 2>&1)" ||
            { cat "$out/said.txt"; return 1; }
        printf '| %s | %s | %s | %s |\n' "$side" "${sizes[0]}" "$number" "$seconds"
    done
}
printf '| device | width | run | seconds |\n|---|---:|---|---:|\n'
for side in cpu $([ "$device" = cpu ] || echo "$device"); do try "dream_then_style on $side" style "$side"; done

say "networks"
bench() { try "bench $*" "$target/dreamwire" bench "$@" --device "$device" --repeat "$rounds"; echo; }
for size in "${sizes[@]}"; do
    bench vgg16 --size "$size" --backward
    bench dream --size "$size" --steps "$steps"
done
for size in "${synthesis[@]}"; do bench stylegan2 --size "$size"; done

say "beside PyTorch on the same device"
theirs="$class"
[ "$class" = metal ] && theirs=mps
if "$python" -c "import numpy, torch; torch.empty(1, device='$theirs')" 2>"$out/why.txt"; then
    try "compare_torch.py" "$python" benches/compare_torch.py --device "$device" --program "$target/dreamwire-bench" \
        --cases "$cases" --rounds "$rounds" --repeat "$rounds"
else
    printf 'left out: %s\n' "$(tail -1 "$out/why.txt")"
fi

say "end"
if [ "${#failed[@]}" -gt 0 ]; then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
echo "nothing failed"

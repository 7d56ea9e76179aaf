"""Compares freshly made files with the committed ones.

    python check.py OUT [NAME ...]

NAME is that of a pair without its ending, such as tv/vgg16; without a NAME every pair that lies in OUT is compared.
For each tensor: the largest absolute difference, that over the largest committed value, and the length of the
difference over the length of the committed tensor. Bytes of pictures may differ by 1. Then the numbers in the JSON file
that differ by more than 1e-6 of their value, and the texts that differ. Of PNG files the pixels are compared. The exit
status is 1 if a tensor is missing, has another shape or another type, or lies farther away than --limit allows (largest
difference over largest value).
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

from files import REF

# What depends on the day, not on the numbers.
OMITTED = {"versions", "torch", "scipy", "cv2", "lpips", "note", "doc"}


def compare_tensors(made, committed, limit):
    """Prints a line for each tensor; how many are wrong."""
    wrong = 0
    for name in sorted(made.keys() ^ committed.keys()):
        print(f"  {name}: only {'made' if name in made else 'committed'}")
        wrong += 1
    for name in sorted(made.keys() & committed.keys()):
        a, b = made[name], committed[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            print(f"  {name}: {a.dtype} {a.shape}, committed {b.dtype} {b.shape}")
            wrong += 1
            continue
        if np.array_equal(a, b):
            print(f"  {name:42} equal")
            continue
        if a.dtype == np.uint8:
            levels = np.abs(a.astype(int) - b.astype(int))
            print(f"  {name:42} {(levels > 0).sum()} of {a.size} differ, by at most {levels.max()}")
            wrong += levels.max() > 1
            continue
        a, b = a.astype(np.float64), b.astype(np.float64)
        error, scale = np.abs(a - b), np.abs(b).max()
        relative = error.max() / scale if scale else np.inf
        length = np.linalg.norm(a - b) / np.linalg.norm(b) if scale else np.inf
        bad = not relative <= limit
        wrong += bad
        print(f"  {name:42} abs {error.max():.1e}  rel {relative:.1e}  l2 {length:.1e}{'  TOO FAR' if bad else ''}")
    return wrong


def compare_facts(made, committed, place=""):
    """Prints what differs between two JSON values."""
    if isinstance(made, dict) and isinstance(committed, dict):
        for key in committed.keys() | made.keys():
            if key in OMITTED or "err" in key or key == "f32_vs_f64":
                continue
            if key not in made or key not in committed:
                print(f"  json {place}{key}: only {'made' if key in made else 'committed'}")
            else:
                compare_facts(made[key], committed[key], f"{place}{key}/")
    elif isinstance(made, list) and isinstance(committed, list) and len(made) == len(committed):
        for index, pair in enumerate(zip(made, committed)):
            compare_facts(*pair, f"{place}{index}/")
    elif isinstance(made, (int, float)) and isinstance(committed, (int, float)):
        if abs(made - committed) > 1e-6 * max(abs(committed), 1e-12):
            print(f"  json {place[:-1]}: {made}, committed {committed}")
    elif made != committed:
        print(f"  json {place[:-1]}: {made!r}, committed {committed!r}")


def main():
    parser = argparse.ArgumentParser(description="compares freshly made references with the committed ones")
    parser.add_argument("out", type=Path, help="folder with the files that were made")
    parser.add_argument("names", nargs="*", help="pairs, such as tv/vgg16")
    parser.add_argument("--limit", type=float, default=1e-5, help="largest difference over largest value (1e-5)")
    options = parser.parse_args()
    names = options.names or sorted(
        str(path.relative_to(options.out).with_suffix("")) for path in options.out.rglob("*.json")
    )
    wrong = 0
    for path in [] if options.names else sorted(options.out.rglob("*.png")):
        name = path.relative_to(options.out)
        equal = np.array_equal(Image.open(path), Image.open(REF / name))
        print(name, "equal" if equal else "DIFFERS")
        wrong += not equal
    for name in names:
        print(name)
        if (REF / f"{name}.safetensors").exists():
            made = load_file(options.out / f"{name}.safetensors")
            wrong += compare_tensors(made, load_file(REF / f"{name}.safetensors"), options.limit)
        facts = [json.loads((folder / f"{name}.json").read_text()) for folder in (options.out, REF)]
        compare_facts(*facts)
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()

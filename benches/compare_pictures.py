#!/usr/bin/env python3
"""Loads, resizes and saves a JPEG of 24 megapixels with Dreamwire, Pillow and ImageMagick, alternately.

    cargo build --release
    python3 benches/compare_pictures.py --runs 7

Needs Pillow; ImageMagick (`magick` or `convert`) is left out where it is not installed. Every run is a process of its own:
start, decode, Lanczos to a quarter of the width, encode at quality 90. Dreamwire works on float32, the others on 8 bits
(Pillow) and 16 bits (ImageMagick 6 and 7 as Debian builds it) per sample. docs/benchmarks.md has how to read the result.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    from PIL import Image
except ImportError:
    sys.exit("Pillow is missing; install it for this python (nothing is installed here): python3 -m pip install pillow")

HERE = Path(__file__).resolve().parent
PHOTO = HERE.parent / "graphs" / "media" / "chelsea.png"
WIDTH, HEIGHT, SMALL = 6000, 4000, 1500
PILLOW = """
import sys
from PIL import Image
image = Image.open(sys.argv[1])
image.resize((int(sys.argv[3]), int(sys.argv[4])), Image.LANCZOS).save(sys.argv[2], quality=90)
"""


def picture(path: Path) -> None:
    """A photograph enlarged to 24 megapixels, with grain, so that its coefficients are like a camera's."""
    large = Image.open(PHOTO).convert("RGB").resize((WIDTH, HEIGHT), Image.BICUBIC)
    grain = Image.effect_noise((WIDTH, HEIGHT), 12).convert("RGB")
    Image.blend(large, grain, 0.15).save(path, quality=92)


def graph(path: Path, name: str) -> None:
    path.write_text(
        json.dumps(
            {
                "load": {"class_type": "LoadImage", "inputs": {"image": name}},
                "resize": {"class_type": "Resize", "inputs": {"image": ["load", 0], "width": SMALL}},
                "save": {
                    "class_type": "SaveImage",
                    "inputs": {"images": ["resize", 0], "format": "jpeg", "quality": 90, "metadata": False},
                },
            }
        )
    )


def measure(command: list[str], folder: Path) -> float:
    """Seconds of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, errors = process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed: {errors.decode(errors='replace')}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--binary", type=Path, default=HERE.parent / "target/release/dreamwire")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture(folder / "large.jpg")
        graph(folder / "graph.json", "large.jpg")
        size = [str(SMALL), str(SMALL * HEIGHT // WIDTH)]
        programs = {
            "Dreamwire": [str(arguments.binary.resolve()), "run", "graph.json", "--no-cache", "--out", "out"],
            "Pillow": [sys.executable, "-c", PILLOW, "large.jpg", "pillow.jpg", *size],
        }
        magick = shutil.which("magick") or shutil.which("convert")
        if magick:
            resize = ["-filter", "Lanczos", "-resize", f"{size[0]}x{size[1]}!", "-quality", "90"]
            programs["ImageMagick"] = [magick, "large.jpg", *resize, "magick.jpg"]
        seconds: dict[str, list[float]] = {program: [] for program in programs}
        for _ in range(arguments.runs):
            for program, command in programs.items():
                seconds[program].append(measure(command, folder))
        ours = statistics.median(seconds["Dreamwire"])
        for program, times in seconds.items():
            median = statistics.median(times)
            print(f"{program:<12} {median:6.2f} s  (from {min(times):.2f} to {max(times):.2f}), {median / ours:.2f} x ours")


if __name__ == "__main__":
    main()

"""images/*_128x96.png: three photographs of scikit-image, made as small as covers 128 x 96, their middle cut out.

    python images.py OUT
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT = 128, 96


def small(path):
    """The photograph, 128 x 96 pixels."""
    photograph = Image.open(path).convert("RGB")
    scale = max(WIDTH / photograph.width, HEIGHT / photograph.height)
    width, height = round(photograph.width * scale), round(photograph.height * scale)
    left, top = (width - WIDTH) // 2, (height - HEIGHT) // 2
    resized = photograph.resize((width, height), Image.Resampling.LANCZOS)
    return resized.crop((left, top, left + WIDTH, top + HEIGHT))


if __name__ == "__main__":
    # scikit-image's own reader would ask for more packages than its files do.
    data = Path(find_spec("skimage").origin).parent / "data"
    folder = Path(sys.argv[1]) / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("astronaut", "chelsea", "coffee"):
        small(data / f"{name}.png").save(folder / f"{name}_128x96.png")

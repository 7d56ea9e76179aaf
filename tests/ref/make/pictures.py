"""Small pictures of the kinds that no encoder of the tests writes: python pictures.py OUT, needs only Pillow."""

import sys
from pathlib import Path

from PIL import Image

out = Path(sys.argv[1]) / "pictures"
out.mkdir(parents=True, exist_ok=True)
width, height = 24, 18
rgb = Image.new("RGB", (width, height))
rgb.putdata([(x * 10, y * 14, (x + y) * 6) for y in range(height) for x in range(width)])
alpha = Image.new("L", (width, height))
alpha.putdata([255 if x < 12 else 102 for y in range(height) for x in range(width)])
rgba = rgb.copy()
rgba.putalpha(alpha)
turned = rgb.transpose(Image.Transpose.FLIP_LEFT_RIGHT)

rgb.save(out / "progressive.jpg", quality=80, progressive=True)
rgb.save(out / "subsampled.jpg", quality=80, subsampling=2)
rgb.convert("L").save(out / "grey.jpg", quality=80)
rgb.convert("CMYK").save(out / "cmyk.jpg", quality=80)
rgb.save(out / "lossy.webp", quality=80)
rgba.save(out / "lossy_alpha.webp", quality=80)
rgb.save(out / "animated.webp", save_all=True, append_images=[turned], lossless=True)
rgb.convert("P", palette=Image.Palette.ADAPTIVE).save(out / "interlaced.gif", interlace=1)

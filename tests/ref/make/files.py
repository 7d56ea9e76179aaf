"""What all programs share: where pictures lie, how tensors are sampled, how a pair of files is written."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

REF = Path(__file__).resolve().parent.parent


def picture(name):
    """The photograph images/NAME_128x96.png: [96, 128, 3], u8."""
    return np.asarray(Image.open(REF / "images" / f"{name}_128x96.png").convert("RGB"))


def committed(name):
    """The tensors of the committed NAME.safetensors."""
    return load_file(REF / f"{name}.safetensors")


def stride(count, wanted=512):
    """The step that leaves about `wanted` of `count` elements."""
    return max(1, count // wanted)


def every(array, step, count=None):
    """Elements 0, step, 2 step, ... of the row-major flattening; the first `count` of them if that is given."""
    return np.ascontiguousarray(np.asarray(array).reshape(-1)[::step][:count])


def statistics(array):
    """A big tensor in a few numbers, of which a test can check those that it likes."""
    x = np.asarray(array, np.float64)
    return {
        "shape": list(x.shape),
        "mean": x.mean().item(),
        "std": x.std().item(),
        "min": x.min().item(),
        "max": x.max().item(),
        "abs_sum": np.abs(x).sum().item(),
        "sq_sum": (x * x).sum().item(),
    }


def versions(*packages):
    """The versions of the packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            pass
    return found


def save(out, name, tensors, facts):
    """Writes OUT/NAME.safetensors and OUT/NAME.json."""
    path = Path(out) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, f"{path}.safetensors")
    write_json(out, name, facts)


def write_json(out, name, facts):
    """Writes OUT/NAME.json."""
    path = Path(out) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n")

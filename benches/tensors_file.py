"""Reads and writes safetensors files of float32 with numpy alone.

The format: eight bytes of length (little endian), that much JSON, and the numbers.
"""

import json
import struct

import numpy as np


def write(path, tensors):
    """Writes `tensors`, a dictionary of name to array; everything becomes float32."""
    header, blocks, offset = {}, [], 0
    for name, array in tensors.items():
        block = np.asarray(array, dtype="<f4").tobytes()
        shape = list(np.shape(array))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(block)]}
        blocks.append(block)
        offset += len(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for block in blocks:
            file.write(block)


def read(path):
    """All tensors of a file, name to array. Nothing is held in memory twice."""
    tensors = {}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            if entry["dtype"] != "F32":
                raise ValueError(f"{path}: `{name}` is {entry['dtype']}, only F32 is read here")
            start, end = entry["data_offsets"]
            file.seek(8 + length + start)
            tensors[name] = np.fromfile(file, "<f4", (end - start) // 4).reshape(entry["shape"])
    return tensors

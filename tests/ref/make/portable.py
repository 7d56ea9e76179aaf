"""Portable weights: what any language can make from a tensor's name.

For a tensor's NAME (UTF-8) let `s` be the FNV-1a-64 of NAME, XOR 0x5EED. Element `i` (row-major, from 0)
comes from splitmix64:

    z = s + (i + 1) * 0x9E3779B97F4A7C15        (all modulo 2^64)
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9
    z = (z ^ z >> 27) * 0x94D049BB133111EB
    z = z ^ z >> 31
    r = (z >> 40) * 2^-24                       in 0..1, exact in f32
    t = 2 r - 1                                 in -1..1, exact in f32

The value follows from the name and the rank, in f32:

    rank 2 and above          t * sqrt(6 / fan_in), fan_in = product of all dimensions but the first
    *.running_mean            t * 0.1
    *.running_var             0.5 + r
    *.bias                    t * 0.05
    *.num_batches_tracked     0
    any other of rank 1       0.8 + 0.4 r
"""

import numpy as np

SALT = 0x5EED


def fnv1a64(name):
    """The FNV-1a-64 of a name's UTF-8 bytes."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def uniform(name, count):
    """`count` numbers in 0..1, multiples of 2^-24, f32."""
    index = np.arange(1, count + 1, dtype=np.uint64)
    z = np.uint64(fnv1a64(name) ^ SALT) + index * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    z = z ^ z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)


def noise(name, shape):
    """Numbers in -1..1, multiples of 2^-23, f32."""
    return (2 * uniform(name, int(np.prod(shape))) - 1).reshape(shape)


def tensor(name, shape):
    """A tensor of a convolutional network, f32."""
    shape = tuple(shape)
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    r = uniform(name, int(np.prod(shape))).reshape(shape)
    t = 2 * r - 1
    if len(shape) > 1:
        return t * np.float32(np.sqrt(6 / np.prod(shape[1:])))
    if name.endswith(".running_mean"):
        return t * np.float32(0.1)
    if name.endswith(".running_var"):
        return np.float32(0.5) + r
    if name.endswith("bias"):
        return t * np.float32(0.05)
    return np.float32(0.8) + np.float32(0.4) * r

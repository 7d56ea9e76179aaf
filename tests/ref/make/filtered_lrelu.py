"""sg3/filtered_lrelu: two layers' activation of StyleGAN3, from the article's formulas in f64.

    python filtered_lrelu.py OUT

What the layers' convolutions gave (`x`) and their biases come from the committed file: they are a random network's, made
once with NVIDIA's implementation. Filters and outputs are computed: low-pass filters of Kaiser's window after the cutoffs
and half-widths of the layers (rates and frequencies in pixels per image), then upsampling, leaky ReLU, downsampling.
"""

import sys

import numpy as np
from scipy.signal import convolve, firwin

import files

PEER = "c233a919a6faee6e36a316ddd4eddababad1adf9"
SLOPE, GAIN, CLAMP = 0.2, np.sqrt(2), 256
# The network's cutoffs grow by 2^(2/3) a layer, half-widths follow from the stopbands and each layer's rate.
CUTOFFS = [2.0, 2 * 2 ** (2 / 3), 2 * 2 ** (4 / 3)]
HALF_WIDTHS = [6.0, 4.825197896063601, 10.960315800420506]
LAYERS = {
    "l1": {"up": 2, "down": 2, "padding": [9, 8, 9, 8], "rate": 32, "from": 0},
    "l2": {"up": 4, "down": 2, "padding": [-6, -9, -6, -9], "rate": 64, "from": 1},
}


def low_pass(taps, frequency, rate):
    """A filter of that many taps for the cutoff and half-width number `frequency`."""
    return firwin(taps, CUTOFFS[frequency], width=2 * HALF_WIDTHS[frequency], fs=rate)


def pad(x, before, after):
    """Zeros before and after the rows, or rows cut off where a number is negative."""
    x = x[:, max(-before, 0) : x.shape[1] - max(-after, 0)]
    return np.pad(x, [(0, 0), (max(before, 0), max(after, 0)), (0, 0)])


def both(x, function):
    """A function of rows, applied to rows and to columns."""
    return function(function(x, 0).transpose(0, 2, 1), 1).transpose(0, 2, 1)


def activation(x, bias, up_filter, down_filter, up, down, padding):
    """[C, H, W] in f64."""
    x = x + bias[:, None, None]

    def upsample(x, axis):
        # Padding is given as left, right, top, bottom.
        before, after = padding[2 - 2 * axis : 4 - 2 * axis]
        spread = np.zeros((x.shape[0], x.shape[1] * up, x.shape[2]))
        spread[:, ::up] = x
        return convolve(pad(spread, before, after), up * up_filter[None, :, None], "valid", "direct")

    def downsample(x, _axis):
        return convolve(x, down_filter[None, :, None], "valid", "direct")[:, ::down]

    x = both(x, upsample)
    x = np.clip(np.where(x < 0, SLOPE * x, x) * GAIN, -CLAMP, CLAMP)
    return both(x, downsample)


def make(out):
    committed, tensors, facts, errors = files.committed("sg3/filtered_lrelu"), {}, {}, []
    for name, layer in LAYERS.items():
        up, down = layer["up"], layer["down"]
        x, bias = committed[f"{name}.x"], committed[f"{name}.bias"]
        filters = low_pass(6 * up, layer["from"], layer["rate"]), low_pass(12, layer["from"] + 1, layer["rate"])
        single = [kernel.astype(np.float32) for kernel in filters]
        double = [kernel.astype(np.float64) for kernel in single]
        y = activation(x.astype(np.float64), bias.astype(np.float64), *double, up, down, layer["padding"])
        errors.append(np.abs(y - committed[f"{name}.y"]).max().item())
        tensors |= {f"{name}.x": x, f"{name}.bias": bias, f"{name}.y": y.astype(np.float32)}
        tensors |= {f"{name}.up_filter": single[0], f"{name}.down_filter": single[1]}
        facts[name] = {key: layer[key] for key in ("up", "down", "padding")}
        facts[name] |= {"slope": SLOPE, "gain": GAIN, "clamp": CLAMP}
    facts["largest error of numpy in double precision"] = max(errors)
    facts["note"] = __doc__
    facts["peer"] = PEER
    files.save(out, "sg3/filtered_lrelu", tensors, facts)


if __name__ == "__main__":
    make(sys.argv[1])

"""sg3/sg3r_32 and sg3/sg3_settings: two small random StyleGAN3 networks, from the article's formulas in f64.

    python stylegan3.py OUT

The first is of configuration R (1x1 kernels, radial filters) with the released settings, the second of T with others. The
program first computes sg3/sg3t_64, what NVIDIA's own program made of a random network of configuration T, and says how
far it is from that. Weights are portable (portable.py) and stand in the files.
"""

import sys

import numpy as np
import scipy.signal
import scipy.special
import torch
from torch.nn import functional as F

import files
import portable

SLOPE, GAIN, CLAMP, EPSILON, SLOWNESS = 0.2, np.sqrt(2), 256, 1e-8, 0.01
SETTINGS = {
    "num_critical": 2,
    "first_cutoff": 2,
    "first_stopband": 2**2.1,
    "last_stopband_rel": 2**0.3,
    "margin_size": 10,
    "lrelu_upsampling": 2,
    "output_scale": 0.25,
}
SMALL = {
    "sg3r_32": {"resolution": 32, "layers": 6, "kernel": 1, "radial": True, "channels": 3, "w": 8, "settings": {}},
    "sg3_settings": {
        "resolution": 16,
        "layers": 4,
        "kernel": 3,
        "radial": False,
        "channels": 1,
        "w": 6,
        "settings": {
            "num_critical": 1,
            "first_cutoff": 1.5,
            "first_stopband": 3.5,
            "last_stopband_rel": 1.4,
            "margin_size": 6,
            "lrelu_upsampling": 4,
            "output_scale": 0.5,
        },
    },
}


def bands(settings, resolution, layers):
    """Cutoff, half width of the transition, rate and size of every layer's map (section 3.2, appendix F)."""
    exponents = np.minimum(np.arange(layers + 1) / (layers - settings["num_critical"]), 1)
    first, last = settings["first_cutoff"], resolution / 2
    cutoffs = first * (last / first) ** exponents
    first, last = settings["first_stopband"], last * settings["last_stopband_rel"]
    stopbands = first * (last / first) ** exponents
    rates = np.exp2(np.ceil(np.log2(np.minimum(stopbands * 2, resolution))))
    sizes = rates + 2 * settings["margin_size"]
    sizes[-2:] = resolution
    return cutoffs, np.maximum(stopbands, rates / 2) - cutoffs, rates.astype(int), sizes.astype(int)


def low_pass(taps, cutoff, half_width, rate, radial):
    """A windowed sinc, or the two-dimensional jinc under the product of two windows (appendix C)."""
    if not radial:
        return scipy.signal.firwin(taps, cutoff, width=2 * half_width, fs=rate)
    at = (np.arange(taps) - (taps - 1) / 2) / rate
    radius = np.hypot(*np.meshgrid(at, at))
    jinc = scipy.special.j1(2 * np.pi * cutoff * radius) / (np.pi * radius)
    window = np.kaiser(taps, scipy.signal.kaiser_beta(scipy.signal.kaiser_atten(taps, 4 * half_width / rate)))
    kernel = jinc * np.outer(window, window)
    return kernel / kernel.sum()


def filtered(x, kernel):
    """Every channel convolved with one filter, no padding."""
    kernel = torch.outer(kernel, kernel) if kernel.ndim == 1 else kernel
    channels = x.shape[1]
    return F.conv2d(x, kernel.flip([0, 1])[None, None].repeat(channels, 1, 1, 1), groups=channels)


class Network:
    """A generator of these tensors, in f64."""

    def __init__(self, tensors, resolution, layers, settings):
        self.tensors = {name: torch.from_numpy(np.asarray(x)).double() for name, x in tensors.items()}
        self.settings = SETTINGS | settings
        self.layers = layers
        self.bands = bands(self.settings, resolution, layers)
        starts = {name.split(".")[1] for name in tensors if name.startswith("synthesis.L")}
        self.names = sorted(starts, key=lambda name: int(name[1:].split("_")[0]))

    def mapping(self, z, psi):
        """[B, layers + 2, w] of [B, z]."""
        x = z / (z.square().mean(1, keepdim=True) + EPSILON).sqrt()
        for index in range(2):
            weight, bias = (self.tensors[f"mapping.fc{index}.{part}"] for part in ("weight", "bias"))
            x = x @ weight.T * (SLOWNESS / np.sqrt(weight.shape[1])) + bias * SLOWNESS
            x = F.leaky_relu(x, SLOPE) * GAIN
        average = self.tensors["mapping.w_avg"]
        return (average + psi * (x - average))[:, None].repeat(1, self.layers + 2, 1)

    def affine(self, name, w):
        weight, bias = (self.tensors[f"synthesis.{name}.affine.{part}"] for part in ("weight", "bias"))
        return w @ weight.T / np.sqrt(weight.shape[1]) + bias

    def input(self, w, transform):
        """Fourier features, moved by the style and by `transform` [B or 1, 3, 3] (appendix F)."""
        styles = self.affine("input", w)
        styles = styles / styles[:, :2].norm(dim=1, keepdim=True)
        cosine, sine, x, y = styles.T
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        turn = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], 1).reshape(-1, 3, 3)
        shift = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one], 1).reshape(-1, 3, 3)
        if transform is None:
            transform = self.tensors["synthesis.input.transform"][None]
        placed = turn @ shift @ transform
        cutoffs, _, rates, sizes = self.bands
        at = (torch.arange(sizes[0]).double() + 0.5 - sizes[0] / 2) / rates[0]
        places = torch.stack([*torch.meshgrid(at, at, indexing="xy"), torch.ones(2 * [sizes[0]])], -1)
        places = torch.einsum("bij,hwj->bhwi", placed, places)[..., :2]
        frequencies = self.tensors["synthesis.input.freqs"]
        waves = torch.sin(2 * np.pi * (places @ frequencies.T + self.tensors["synthesis.input.phases"]))
        turned = frequencies @ placed[:, :2, :2]
        left = 1 - (turned.norm(dim=2) - cutoffs[0]) / (rates[0] / 2 - cutoffs[0])
        weight = self.tensors["synthesis.input.weight"]
        waves = waves * left.clamp(0, 1)[:, None, None]
        return (waves @ weight.T / np.sqrt(len(weight))).permute(0, 3, 1, 2)

    def layer(self, index, x, w):
        name = self.names[index]

        def tensor(key):
            return self.tensors.get(f"synthesis.{name}.{key}")

        weight, is_last = tensor("weight"), index == self.layers
        styles = self.affine(name, w)
        if is_last:
            styles = styles / np.sqrt(weight[0].numel())
        else:
            weight = weight / weight.square().mean([1, 2, 3], keepdim=True).sqrt()
            styles = styles / styles.square().mean().sqrt()
        weights = weight[None] * styles[:, None, :, None, None]
        if not is_last:
            weights = weights / (weights.square().sum([2, 3, 4], keepdim=True) + EPSILON).sqrt()
        weights = weights / tensor("magnitude_ema").reshape(()).sqrt()
        padding = weight.shape[-1] - 1
        x = torch.cat([F.conv2d(x[i : i + 1], weights[i], padding=padding) for i in range(len(x))])
        x = x + tensor("bias")[:, None, None]
        if is_last:
            return x.clamp(-CLAMP, CLAMP)
        _, _, rates, sizes = self.bands
        before = max(index - 1, 0)
        rate = max(rates[before], rates[index]) * self.settings["lrelu_upsampling"]
        up, down = rate // rates[before], rate // rates[index]
        kernels = [tensor(f"{kind}_filter") for kind in ("up", "down")]
        kernels = [torch.ones(1).double() if kernel is None else kernel for kernel in kernels]
        # What the second filter needs against what there is.
        total = (sizes[index] - 1) * down + 1 - (sizes[before] + padding) * up + sum(map(len, kernels)) - 2
        first = (total + up) // 2
        spread = torch.zeros(*x.shape[:2], x.shape[2] * up, x.shape[3] * up).double()
        spread[:, :, ::up, ::up] = x
        # Negative numbers crop.
        x = filtered(F.pad(spread, [int(first), int(total - first)] * 2), kernels[0]) * up**2
        x = (F.leaky_relu(x, SLOPE) * GAIN).clamp(-CLAMP, CLAMP)
        return filtered(x, kernels[1])[:, :, ::down, ::down]

    def synthesis(self, ws, transform=None, each=lambda name, x: None):
        x = self.input(ws[:, 0], transform)
        each("input", x)
        for index, name in enumerate(self.names):
            x = self.layer(index, x, ws[:, index + 1])
            each(name, x)
        return x * self.settings["output_scale"]


def placing(x, y, degrees):
    """The inverse of a rotation followed by a shift, as gen_images.py of the peer takes them."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return torch.tensor(np.linalg.inv([[cosine, sine, x], [-sine, cosine, y], [0, 0, 1]]))[None]


def error(found, expected):
    return np.abs(found.detach().numpy() - expected).max() / np.abs(expected).max()


def check():
    """Compares with what the peer made; the largest error."""
    tensors, outputs = files.committed("sg3/sg3t_64_tensors"), files.committed("sg3/sg3t_64_outputs")
    network = Network(tensors, 64, 8, {})
    ws = network.mapping(torch.from_numpy(outputs["z"]).double(), 0.7)
    errors = {"ws": error(ws, outputs["ws_psi07"])}

    def each(name, x):
        expected = outputs[f"layer0.{name}"]
        errors[name] = error(x[:1, : expected.shape[1]], expected)

    errors["img"] = error(network.synthesis(ws, None, each), outputs["img_psi07"])
    moved = network.synthesis(ws[:1], placing(0.3, -0.1, 25))
    errors["moved"] = error(moved, outputs["img_translate_0.3_-0.1_rotate25"])
    for name, found in errors.items():
        print(f"{name:10} {found:.1e}")
    return max(errors.values())


def weights(name, resolution, layers, kernel, radial, channels, w, settings):
    """Portable weights of a network."""
    settings = SETTINGS | settings
    cutoffs, widths, rates, sizes = bands(settings, resolution, layers)
    tensors = {}

    def add(key, shape, deviation, mean=0.0):
        tensors[key] = np.float32(mean) + np.float32(deviation * np.sqrt(3)) * portable.noise(f"{name}.{key}", shape)

    for index in range(2):
        add(f"mapping.fc{index}.weight", (w, w), 1 / SLOWNESS)
        add(f"mapping.fc{index}.bias", (w,), 10)
    add("mapping.w_avg", (w,), 0.2)
    outputs = [int(min(40 / cutoff, 9)) for cutoff in cutoffs[:-1]] + [channels]
    add("synthesis.input.weight", (outputs[0], outputs[0]), 1)
    add("synthesis.input.freqs", (outputs[0], 2), 1.5)
    add("synthesis.input.phases", (outputs[0],), 0.3)
    tensors["synthesis.input.transform"] = np.eye(3, dtype=np.float32)
    add("synthesis.input.affine.weight", (4, w), 0.1)
    tensors["synthesis.input.affine.bias"] = np.float32([1, 0, 0, 0])
    for index in range(layers + 1):
        before = max(index - 1, 0)
        layer = f"synthesis.L{index}_{sizes[index]}_{outputs[index]}"
        side = kernel if index < layers else 1
        add(f"{layer}.weight", (outputs[index], outputs[before], side, side), 1)
        add(f"{layer}.bias", (outputs[index],), 0.2)
        add(f"{layer}.affine.weight", (outputs[before], w), 1)
        tensors[f"{layer}.affine.bias"] = np.ones(outputs[before], np.float32)
        add(f"{layer}.magnitude_ema", (1,), 0.2, 1)
        if index == layers:
            break
        rate = max(rates[before], rates[index]) * settings["lrelu_upsampling"]
        for kind, band in (("up", before), ("down", index)):
            if rate > rates[band]:
                # Layers without room between cutoff and rate have no radial filter.
                is_radial = radial and kind == "down" and index < layers - settings["num_critical"]
                taps = 6 * rate // rates[band]
                kernel_ = low_pass(taps, cutoffs[band], widths[band], rate, is_radial)
                tensors[f"{layer}.{kind}_filter"] = kernel_.astype(np.float32)
    return tensors


def small(out, name, description):
    tensors = weights(name, **description)
    network = Network(tensors, description["resolution"], description["layers"], description["settings"])
    z = torch.from_numpy(portable.noise(f"{name}.z", (2, description["w"]))).double()
    ws = network.mapping(z, 1)
    # Every layer has its own style.
    ws = (ws + 0.3 * torch.from_numpy(portable.noise(f"{name}.ws", ws.shape)).double()).float().double()
    results = {"z": z, "w": network.mapping(z, 1)[:, 0], "ws": ws}

    def each(layer, x):
        results[f"layer.{layer}"] = torch.from_numpy(files.every(x.permute(0, 2, 3, 1), files.stride(x.numel())))

    results["img"] = network.synthesis(ws, None, each)
    ws, transform = ws.requires_grad_(), placing(-0.2, 0.1, 40).float().double().requires_grad_()
    moved = network.synthesis(ws, transform)
    cotangent = torch.from_numpy(portable.noise(f"{name}.cotangent", moved.shape)).double()
    (moved * cotangent).sum().backward()
    results |= {"transform": transform, "moved": moved, "cotangent": cotangent}
    results |= {"grad.ws": ws.grad, "grad.transform": transform.grad}
    results = {key: x.detach().float().numpy() for key, x in results.items()}
    results |= {f"G.{key}": x for key, x in tensors.items()}
    facts = {"note": "see stylegan3.py", "settings": description["settings"], "channels_last": False}
    facts["versions"] = files.versions("torch", "numpy", "scipy")
    files.save(out, f"sg3/{name}", results, facts)


if __name__ == "__main__":
    if not check() < 1e-5:
        sys.exit("the peer's network is not reproduced")
    for name, description in SMALL.items():
        small(sys.argv[1], name, description)

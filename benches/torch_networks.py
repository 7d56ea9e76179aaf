"""The same networks in PyTorch, plainly written: the other side of compare_torch.py, which starts this file.

Everything is frozen, forward passes run without autograd, and gradients are asked for by the input alone. Formulas are
those of the papers (arXiv:1409.1556, 1703.06868, 1812.04948, 1912.04958, 2106.12423). Writes one line of JSON: times_ms
and peak_rss_mb.
"""

import argparse
import json
import math
import time

import torch
import torch.nn.functional as F

import tensors_file

VGG = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512]
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
# How many convolutions lead to a layer.
CONVOLUTIONS = {"relu3_1": 5, "relu4_3": 10, "relu5_3": 13}
# The tensors of a layer of StyleGAN2.
PARTS = ["weight", "bias", "affine.weight", "affine.bias", "noise_const", "noise_strength"]
PARTS3 = ["weight", "bias", "affine.weight", "affine.bias", "magnitude_ema", "up_filter", "down_filter"]
INPUT = ["weight", "freqs", "phases", "transform", "affine.weight", "affine.bias"]


class Vgg:
    """VGG16 up to a layer, from a normalised picture [1, 3, H, W]."""

    def __init__(self, weights, layer, layout, reflect=False):
        self.steps, self.reflect, index, count = [], reflect, 0, 0
        for part in VGG:
            if part == "M":
                self.steps.append(None)
                index += 1
                continue
            weight = weights[f"features.{index}.weight"].contiguous(memory_format=layout)
            self.steps.append((weight, weights[f"features.{index}.bias"]))
            index += 2
            count += 1
            if count == CONVOLUTIONS[layer]:
                break

    def __call__(self, x):
        for step in self.steps:
            if step is None:
                x = F.max_pool2d(x, 2)
            else:
                x = torch.relu_(conv3x3(x, *step, self.reflect))
        return x


def conv3x3(x, weight, bias, reflect):
    if reflect:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias)
    return F.conv2d(x, weight, bias, padding=1)


def normalise(picture, layout):
    """From [1, H, W, 3] in 0..1 to what VGG16 takes."""
    mean, std = MEAN.to(picture.device), STD.to(picture.device)
    return ((picture.permute(0, 3, 1, 2) - mean) / std).contiguous(memory_format=layout)


class Adain:
    """A style transfer with alpha 1, from two pictures [1, H, W, 3] to one."""

    def __init__(self, weights, layout):
        self.layout = layout
        self.encoder = Vgg(weights, "relu3_1", layout, reflect=True)
        name = "decoder.{}.{}".format
        self.decoder = [
            (weights[name(i, "weight")].contiguous(memory_format=layout), weights[name(i, "bias")])
            for i in range(5)
        ]

    def __call__(self, content, style):
        content, style = [self.encoder(normalise(picture, self.layout)) for picture in (content, style)]
        (std_c, mean_c), (std_s, mean_s) = statistics(content), statistics(style)
        x = (content - mean_c) / std_c * std_s + mean_s
        for index, (weight, bias) in enumerate(self.decoder):
            x = conv3x3(x, weight, bias, True)
            if index < 4:
                x = torch.relu_(x)
            if index in (0, 2):
                x = F.interpolate(x, scale_factor=2, mode="nearest")
        return x.permute(0, 2, 3, 1).clamp(0, 1).contiguous()


def statistics(x):
    variance, mean = torch.var_mean(x, dim=(2, 3), keepdim=True)
    return (variance + 1e-5).sqrt(), mean


class Synthesis1:
    """The first StyleGAN's synthesis, from w [1, layers, w] to a picture [1, R, R, 3].

    `noise` has a plane [1, 1, r, r] for each block, `noise_0` and so on; both layers of the block take it. `fused` says
    which blocks upsample by a transposed convolution: those that are stored so, or (the same sums) all.
    """

    def __init__(self, weights, noise, size, layout, fused):
        self.layout, self.fused = layout, fused
        self.constant = weights["generator.progression.0.conv1.input"].contiguous(memory_format=layout)
        count = size.bit_length() - 2
        self.blocks = [self.prepared(weights, index, noise[f"noise_{index}"]) for index in range(count)]
        colours = f"generator.to_rgb.{count - 1}.conv"
        self.to_rgb = balanced(weights[f"{colours}.weight_orig"]), weights[f"{colours}.bias"]

    def prepared(self, weights, index, plane):
        """What does not depend on w."""
        block, tensors = f"generator.progression.{index}.", {}
        parts = {name.removeprefix(block): x for name, x in weights.items() if name.startswith(block)}
        if "conv1.0.weight" in parts:
            weight = balanced(parts["conv1.0.weight"].transpose(0, 1)).transpose(0, 1)
            tensors["fused"] = self.averaged(weight), parts["conv1.0.bias"]
            tensors["blur"] = parts["conv1.1.weight"]
        elif index > 0:
            tensors["first"] = self.convolution(parts, "conv1.1.conv")
            tensors["blur"] = parts["conv1.2.weight"]
            if self.fused == "all":
                weight = 4 * tensors["first"][0].flip(2, 3).transpose(0, 1)
                tensors["fused"] = self.averaged(weight), tensors["first"][1]
        tensors["second"] = self.convolution(parts, "conv2.conv")
        for layer in (1, 2):
            style = f"adain{layer}.style.linear"
            tensors[f"affine{layer}"] = balanced(parts[f"{style}.weight_orig"]), parts[f"{style}.bias"]
            noise = balanced(parts[f"noise{layer}.weight_orig"]) * plane
            tensors[f"noise{layer}"] = noise.contiguous(memory_format=self.layout)
        return tensors

    def averaged(self, weight):
        """The mean of a kernel at 2x2 positions."""
        return F.avg_pool2d(F.pad(weight, [1, 1, 1, 1]), 2, stride=1).contiguous(memory_format=self.layout)

    def convolution(self, parts, name):
        return balanced(parts[f"{name}.weight_orig"]).contiguous(memory_format=self.layout), parts[f"{name}.bias"]

    def __call__(self, w):
        x = self.constant.clone(memory_format=torch.preserve_format)
        for index, tensors in enumerate(self.blocks):
            if "blur" in tensors:
                x = F.conv2d(self.enlarged(x, tensors), tensors["blur"], padding=1, groups=len(tensors["blur"]))
            x = self.finished(x, w[:, 2 * index], tensors, 1)
            x = F.conv2d(x, *tensors["second"], padding=1)
            x = self.finished(x, w[:, 2 * index + 1], tensors, 2)
        return F.conv2d(x, *self.to_rgb).permute(0, 2, 3, 1).contiguous()

    def enlarged(self, x, tensors):
        if "fused" in tensors:
            return F.conv_transpose2d(x, *tensors["fused"], stride=2, padding=1)
        return F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), *tensors["first"], padding=1)

    def finished(self, x, w, tensors, layer):
        """Noise, leaky ReLU and adaptive instance normalisation."""
        x = F.leaky_relu_(x.add_(tensors[f"noise{layer}"]), 0.2)
        scale, shift = F.linear(w, *tensors[f"affine{layer}"])[:, :, None, None].chunk(2, 1)
        return F.instance_norm(x, eps=1e-5) * scale + shift


def balanced(weight):
    """The stored weights times sqrt(2 / inputs)."""
    return weight * (2 / weight[0].numel()) ** 0.5


class Synthesis:
    """StyleGAN2's synthesis with the stored noise, from w [1, layers, 512] to a picture [1, R, R, 3].

    `modulate` says what the styles scale: the maps, or (for one picture, the same sums) the weights.
    """

    def __init__(self, weights, size, layout, modulate):
        self.size, self.layout, self.modulate = size, layout, modulate
        self.constant = weights["synthesis.b4.const"][None].contiguous(memory_format=layout)
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=self.constant.device)
        self.fir = torch.outer(taps, taps)[None, None] / 16
        self.layers = {}
        for name, tensor in weights.items():
            if name.startswith("synthesis.") and tensor.dim() == 4:
                layer = name.removesuffix(".weight")
                self.layers[layer] = self.prepared({part: weights.get(f"{layer}.{part}") for part in PARTS}, layer)

    def prepared(self, tensors, name):
        """What does not depend on w. The gain of the leaky ReLU is multiplied in: it may as well stand before it."""
        inputs = tensors["weight"].shape[1]
        tensors["squares"] = tensors["weight"].square().sum((2, 3))
        tensors["affine.weight"] = tensors["affine.weight"] / tensors["affine.weight"].shape[1] ** 0.5
        if name.endswith(".torgb"):
            for part in ("affine.weight", "affine.bias"):
                tensors[part] = tensors[part] / inputs**0.5
        else:
            tensors["noise"] = tensors["noise_const"] * tensors["noise_strength"] * 2**0.5
            tensors["bias"] = tensors["bias"].view(1, -1, 1, 1) * 2**0.5
        if name.endswith(".conv0"):
            tensors["weight"] = tensors["weight"].transpose(0, 1)
        tensors["weight"] = tensors["weight"].contiguous(memory_format=self.layout)
        return tensors

    def __call__(self, w):
        x = self.constant
        picture, layer, size = None, 0, 4
        while size <= self.size:
            block = f"synthesis.b{size}"
            for name in ("conv0", "conv1") if size > 4 else ("conv1",):
                x = self.layer(x, w[:, layer], f"{block}.{name}")
                layer += 1
            part = self.to_rgb(x, w[:, layer], f"{block}.torgb")
            picture = part if picture is None else self.enlarged(picture) + part
            size *= 2
        return picture.permute(0, 2, 3, 1).contiguous()

    def layer(self, x, w, name):
        tensors = self.layers[name]
        upsampling = name.endswith(".conv0")
        weight = tensors["weight"]
        styles = F.linear(w, tensors["affine.weight"], tensors["affine.bias"])
        scale = 2**0.5 * (F.linear(styles.square(), tensors["squares"]) + 1e-8).rsqrt()
        if self.modulate == "weights":
            rows, columns = (styles, scale) if upsampling else (scale, styles)
            weight = weight * rows.view(-1, 1, 1, 1) * columns.view(1, -1, 1, 1)
            x = self.convolved(x, weight, upsampling)
        else:
            x = self.convolved(x * styles[:, :, None, None], weight, upsampling) * scale[:, :, None, None]
        return F.leaky_relu_(x.add_(tensors["noise"]).add_(tensors["bias"]), 0.2)

    def convolved(self, x, weight, upsampling):
        if not upsampling:
            return F.conv2d(x, weight, padding=1)
        return self.smoothed(F.conv_transpose2d(x, weight, stride=2), 1)

    def to_rgb(self, x, w, name):
        tensors = self.layers[name]
        styles = F.linear(w, tensors["affine.weight"], tensors["affine.bias"])
        return F.conv2d(x, tensors["weight"] * styles.view(1, -1, 1, 1), tensors["bias"])

    def smoothed(self, x, padding):
        channels = x.shape[1]
        return F.conv2d(x, self.fir.expand(channels, -1, -1, -1), padding=padding, groups=channels)

    def enlarged(self, picture):
        n, c, h, w = picture.shape
        spread = F.pad(picture.reshape(n, c, h, 1, w, 1), (0, 1, 0, 0, 0, 1)).reshape(n, c, 2 * h, 2 * w)
        return self.smoothed(F.pad(spread, (2, 1, 2, 1)), 0)


class Synthesis3:
    """StyleGAN3's synthesis with the released settings, from w [1, layers, w] to a picture [1, R, R, 3]."""

    def __init__(self, weights, size, layout):
        self.size, self.layout, self.weights = size, layout, weights
        names = {name.split(".")[1] for name in weights if name.startswith("synthesis.L")}
        self.names = sorted(names, key=lambda name: int(name[1:].split("_")[0]))
        count = len(self.names) - 1
        grown = [min(index / (count - 2), 1) for index in range(count + 1)]
        stopbands = [2**2.1 * (size / 2 * 2**0.3 / 2**2.1) ** exponent for exponent in grown]
        self.rates = [2 ** math.ceil(math.log2(min(2 * stopband, size))) for stopband in stopbands]
        self.sizes = [rate + 20 for rate in self.rates[:-2]] + [size, size]
        self.layers = [self.prepared(index, name) for index, name in enumerate(self.names)]

    def prepared(self, index, name):
        """What does not depend on w."""
        tensors = {part: self.weights.get(f"synthesis.{name}.{part}") for part in PARTS3}
        weight = tensors["weight"]
        tensors["affine.weight"] = tensors["affine.weight"] / tensors["affine.weight"].shape[1] ** 0.5
        gain = float(tensors["magnitude_ema"].rsqrt())
        if index < len(self.names) - 1:
            tensors["weight"] = weight = weight / weight.square().mean((1, 2, 3), keepdim=True).sqrt()
            tensors["gain"], before = gain, max(index - 1, 0)
            rate = 2 * max(self.rates[before], self.rates[index])
            up, down = rate // self.rates[before], rate // self.rates[index]
            tensors["up"], tensors["down"] = up, down
            taps = len(tensors["up_filter"]) + len(tensors["down_filter"])
            read = self.sizes[before] + weight.shape[-1] - 1
            total = (self.sizes[index] - 1) * down + 1 - read * up + taps - 2
            first = (total + up) // 2
            tensors["padding"] = [first, total - first] * 2
            # Of every up pixels along an axis all but one are zeros.
            tensors["up_filter"] = tensors["up_filter"] * up
        else:
            for part in ("affine.weight", "affine.bias"):
                tensors[part] = tensors[part] * gain / weight[0].numel() ** 0.5
        tensors["squares"] = tensors["weight"].square().sum((2, 3))
        tensors["weight"] = tensors["weight"].contiguous(memory_format=self.layout)
        return tensors

    def __call__(self, w):
        x = self.input(w[:, 0])
        for index, tensors in enumerate(self.layers):
            styles = F.linear(w[:, index + 1], tensors["affine.weight"], tensors["affine.bias"])
            weight = tensors["weight"] * styles.view(1, -1, 1, 1)
            if "gain" not in tensors:
                return F.conv2d(x, weight, tensors["bias"]).permute(0, 2, 3, 1).contiguous() / 4
            scale = tensors["gain"] * (F.linear(styles.square(), tensors["squares"]) + 1e-8).rsqrt()
            weight = weight * scale.view(-1, 1, 1, 1)
            x = F.conv2d(x, weight, tensors["bias"], padding=weight.shape[-1] - 1)
            x = self.activated(x, tensors)

    def activated(self, x, tensors):
        n, c, h, w = x.shape
        up, down = tensors["up"], tensors["down"]
        x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, up * h, up * w)
        x = filtered(F.pad(x, tensors["padding"]).contiguous(memory_format=self.layout), tensors["up_filter"])
        x = (F.leaky_relu(x, 0.2) * 2**0.5).clamp(-256, 256)
        return filtered(x, tensors["down_filter"], down)

    def input(self, w):
        """Waves at all places, moved and turned by the style."""
        tensors = {part: self.weights[f"synthesis.input.{part}"] for part in INPUT}
        styles = F.linear(w, tensors["affine.weight"] / w.shape[1] ** 0.5, tensors["affine.bias"])
        cosine, sine, x, y = (styles / styles[:, :2].norm(dim=1, keepdim=True))[0]
        zero, one = torch.zeros((), device=w.device), torch.ones((), device=w.device)
        turn = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one]).view(3, 3)
        shift = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one]).view(3, 3)
        placed = turn @ shift @ tensors["transform"]
        frequencies = tensors["freqs"] @ placed[:2, :2]
        phases = tensors["phases"] + tensors["freqs"] @ placed[:2, 2]
        at = (torch.arange(self.sizes[0], device=w.device) + 0.5 - self.sizes[0] / 2) / self.rates[0]
        places = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)
        left = (1 - (frequencies.norm(dim=1) - 2) / (self.rates[0] / 2 - 2)).clamp(0, 1)
        waves = torch.sin(2 * math.pi * (places @ frequencies.T + phases)) * left
        x = waves @ (tensors["weight"].T / len(left) ** 0.5)
        return x.permute(2, 0, 1)[None].contiguous(memory_format=self.layout)


def filtered(x, taps, stride=1):
    """Every channel filtered along both axes, or by a filter that is no product. Filters are symmetric."""
    channels = x.shape[1]
    if taps.dim() == 2:
        return F.conv2d(x, taps.expand(channels, 1, -1, -1), stride=stride, groups=channels)
    x = F.conv2d(x, taps.view(1, 1, -1, 1).expand(channels, -1, -1, -1), stride=(stride, 1), groups=channels)
    return F.conv2d(x, taps.view(1, 1, 1, -1).expand(channels, -1, -1, -1), stride=(1, stride), groups=channels)


def climbed(picture, vgg, steps, layout, rate=1.5 / 255, knee=32 / 255, jitter=32):
    """Dreamwire's GradientAscent with its defaults, on one octave; the offsets are other random ones."""
    offsets = torch.Generator("cpu").manual_seed(1)
    for _ in range(steps):
        offset = torch.randint(-jitter, jitter + 1, (2,), generator=offsets, device="cpu").tolist()
        rolled = picture.roll(offset, (1, 2)).requires_grad_(True)
        objective = vgg(normalise(rolled, layout)).square().mean()
        (gradient,) = torch.autograd.grad(objective, rolled)
        with torch.no_grad():
            change = (gradient / gradient.abs().mean()).roll([-o for o in offset], (1, 2)) * rate
            room = torch.where(change > 0, 1 - picture, picture)
            size = change.abs()
            size = torch.minimum(size, room * (1 - torch.exp(-size / knee)))
            picture = (picture + size * change.sign()).clamp(0, 1)
    return picture


def opened(name):
    """The device, which works. Sums on it are of f32 as Dreamwire's are, not of TF32."""
    device = torch.device(name)
    torch.empty(1, device=device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    return device


def computed(device):
    """Waits for the device: it is given work, and the call returns at once."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def name_of(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def peak_rss_mb():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


def prepared(args, layout, device):
    """What is to be timed, as a function, for the network that was asked for."""
    files = [tensors_file.read(file) for file in (args.weights, args.input)]
    weights, inputs = [{name: torch.from_numpy(array).to(device) for name, array in file.items()} for file in files]
    if args.network == "adain":
        adain = Adain(weights, layout)
        return lambda: adain(inputs["content"], inputs["style"])
    if args.network == "dream":
        vgg = Vgg(weights, "relu4_3", layout)
        return lambda: climbed(inputs["picture"], vgg, args.steps, layout)
    if args.network == "vgg16":
        network, x = Vgg(weights, "relu5_3", layout), inputs["x"].contiguous(memory_format=layout)
    elif args.network == "stylegan1":
        network, x = Synthesis1(weights, inputs, args.size, layout, args.fused), inputs["w"]
    elif args.network == "stylegan3":
        network, x = Synthesis3(weights, args.size, layout), inputs["w"]
    else:
        network, x = Synthesis(weights, args.size, layout, args.modulate), inputs["w"]
    if not args.backward:
        return lambda: network(x)
    x.requires_grad_(True)
    return lambda: torch.autograd.grad(network(x).square().mean(), x)[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=["about", "vgg16", "stylegan1", "stylegan2", "stylegan3", "adain", "dream"])
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or mps")
    parser.add_argument("--size", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--layout", choices=["contiguous", "channels_last"])
    parser.add_argument("--modulate", choices=["maps", "weights"], default="maps")
    parser.add_argument("--fused", choices=["stored", "all"], default="stored")
    parser.add_argument("--backward", action="store_true")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--repeat", type=int)
    parser.add_argument("--warmup", type=int)
    parser.add_argument("--weights")
    parser.add_argument("--input")
    parser.add_argument("--output")
    args = parser.parse_args()
    device = opened(args.device)
    if args.network == "about":
        capability = torch.backends.cpu.get_cpu_capability()
        about = {"version": torch.__version__, "capability": capability, "peak_rss_mb": peak_rss_mb()}
        about["device"] = name_of(device)
        print(json.dumps(about))
        return
    torch.set_num_threads(args.threads)
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    needs_gradient = args.backward or args.network == "dream"
    times, result = [], None
    with torch.set_grad_enabled(needs_gradient):
        work = prepared(args, layout, device)
        for index in range(args.warmup + args.repeat):
            result = None
            start = time.perf_counter()
            result = work()
            computed(device)
            if index >= args.warmup:
                times.append((time.perf_counter() - start) * 1e3)
    if args.output:
        tensors_file.write(args.output, {"result": result.detach().contiguous().cpu().numpy()})
    print(json.dumps({"times_ms": times, "peak_rss_mb": peak_rss_mb()}))


if __name__ == "__main__":
    main()

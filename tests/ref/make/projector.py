"""sg2/sg2_64_projector: the search of stylegan2-ada-pytorch's projector, written anew after arXiv:1912.04958, appendix D.

    python projector.py OUT

The committed file was made by NVIDIA's own project() in f32, with LPIPS on VGG16 with portable weights in place of its
vgg16.pt. Its random draws, the target and the network are taken from the committed files. All is computed in f64:
rounding puts single activations on the other side of a kink, so that w differs by 8.2e-4 of its largest number after 20
steps (in f32 by 1e-4 to 2.5e-3, by the last bit of the start; docs/decisions/0065).
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

import files
import portable

NAME = "sg2/sg2_64_projector"
DTYPE = torch.float64
SIDES = [4, 8, 16, 32, 64]
VGG16 = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def tensors(name):
    return {key: torch.from_numpy(x).to(DTYPE) for key, x in files.committed(name).items()}


class Generator:
    """StyleGAN2 of the skip architecture: w and noise planes to a picture in -1..1."""

    def __init__(self):
        self.tensors = tensors("sg2/sg2_64_tensors")

    def get(self, name):
        return self.tensors["G_ema." + name]

    def mapping(self, z):
        x = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in range(8):
            weight, bias = (self.get(f"mapping.fc{layer}.{part}") * 0.01 for part in ("weight", "bias"))
            x = F.leaky_relu(x @ weight.T / np.sqrt(weight.shape[1]) + bias, 0.2) * np.sqrt(2)
        return x

    def style(self, w, name):
        weight, bias = (self.get(f"synthesis.{name}.affine.{part}") for part in ("weight", "bias"))
        return (w @ weight.T / np.sqrt(weight.shape[1]) + bias)[:, :, None, None]

    def filtered(self, x, filter, padding):
        kernel = (filter * 4)[None, None].repeat(x.shape[1], 1, 1, 1)
        return F.conv2d(F.pad(x, padding), kernel, groups=x.shape[1])

    def convolution(self, x, w, name, noise):
        layer, style = f"synthesis.{name}", self.style(w, name)
        weight = self.get(f"{layer}.weight")
        scale = (weight[None] * style[:, None, :, 0, 0, None, None]).square().sum([2, 3, 4]).add(1e-8).rsqrt()
        if name.endswith("conv0"):
            x = F.conv_transpose2d(x * style, weight.transpose(0, 1), stride=2)
            x = self.filtered(x, self.get(f"{layer}.resample_filter"), [1, 1, 1, 1])
        else:
            x = F.conv2d(x * style, weight, padding=1)
        x = x * scale[:, :, None, None] + noise * self.get(f"{layer}.noise_strength")
        x = F.leaky_relu(x + self.get(f"{layer}.bias")[None, :, None, None], 0.2) * np.sqrt(2)
        return x.clamp(-256, 256)

    def part(self, x, w, name):
        layer = f"synthesis.{name}"
        weight = self.get(f"{layer}.weight")
        part = F.conv2d(x * self.style(w, name) / np.sqrt(weight.shape[1]), weight)
        return (part + self.get(f"{layer}.bias")[None, :, None, None]).clamp(-256, 256)

    def picture(self, w, planes=None):
        x, picture = self.get("synthesis.b4.const")[None], None
        for side in SIDES:
            for layer in ["conv1"] if side == 4 else ["conv0", "conv1"]:
                name = f"b{side}.{layer}"
                noise = self.get(f"synthesis.{name}.noise_const") if planes is None else planes[f"{name}.noise_const"]
                x = self.convolution(x, w, name, noise)
            part = self.part(x, w, f"b{side}.torgb")
            if picture is not None:
                batch, channels, height, width = picture.shape
                spread = torch.zeros(batch, channels, 2 * height, 2 * width, dtype=DTYPE)
                spread[:, :, ::2, ::2] = picture
                part = part + self.filtered(spread, self.get(f"synthesis.b{side}.resample_filter"), [2, 1, 2, 1])
            picture = part
        return picture


class Lpips:
    """LPIPS 0.1 on VGG16 with portable weights; pictures in 0..255."""

    def __init__(self):
        heads = tensors("perceptual/lpips_vgg16")
        self.heads = [heads[f"lin{index}.model.1.weight"] for index in range(5)]
        self.layers, index, inputs = [], 0, 3
        for channels in VGG16:
            if channels == "M":
                self.layers.append(None)
                index += 1
                continue
            shapes = {"weight": [channels, inputs, 3, 3], "bias": [channels]}
            self.layers.append(
                [torch.from_numpy(portable.tensor(f"features.{index}.{part}", shapes[part])).to(DTYPE) for part in shapes]
            )
            index, inputs = index + 2, channels

    def features(self, x):
        mean, std = (torch.tensor(values, dtype=DTYPE).view(1, 3, 1, 1) for values in (MEAN, STD))
        x, found = (x / 255 - mean) / std, []
        for layer in self.layers:
            if layer is None:
                found.append(x)
                x = F.max_pool2d(x, 2)
            else:
                x = F.relu(F.conv2d(x, *layer, padding=1))
        return [layer / (layer.square().sum(1, keepdim=True).sqrt() + 1e-10) for layer in [*found, x]]

    def distance(self, x, target):
        squares = ((a - b).square() * head for a, b, head in zip(self.features(x), target, self.heads))
        return sum(square.sum(1).mean() for square in squares)


def penalty(plane):
    """The squared correlation of neighbours, at all sizes down to 8."""
    total, x = 0, plane[None, None]
    while True:
        total = total + sum((x * x.roll(1, axis)).mean() ** 2 for axis in (2, 3))
        if x.shape[2] <= 8:
            return total
        x = F.avg_pool2d(x, 2)


def search(facts, committed):
    generator, lpips, steps = Generator(), Lpips(), facts["num_steps"]
    z = np.random.RandomState(123).randn(facts["w_avg_samples"], 64)
    styles = generator.mapping(torch.from_numpy(z).to(DTYPE))
    average = styles.mean(0)
    deviation = (styles - average).square().sum(1).mean().sqrt()
    w = average[None].clone().requires_grad_()
    planes = {name: committed[f"noise_init.{name}"].clone().requires_grad_() for name in facts["noise_names"]}
    target = [layer.detach() for layer in lpips.features(committed["target_u8"][None])]
    adam = torch.optim.Adam([w, *planes.values()], lr=0.1)
    distances, found = [], []
    for step in range(steps):
        time = step / steps
        moves = deviation * 0.05 * max(0, 1 - time / 0.75) ** 2
        falls = 0.5 - 0.5 * np.cos(np.pi * min(1, (1 - time) / 0.25))
        adam.param_groups[0]["lr"] = 0.1 * falls * min(1, time / 0.05)
        picture = generator.picture(w + committed["w_noise_draws"][step] * moves, planes)
        distance = lpips.distance((picture + 1) * 127.5, target)
        adam.zero_grad()
        (distance + 1e5 * sum(penalty(plane) for plane in planes.values())).backward()
        adam.step()
        with torch.no_grad():
            for plane in planes.values():
                plane -= plane.mean()
                plane *= plane.square().mean().rsqrt()
        distances.append(distance.item())
        found.append(w.detach()[0].clone())
    picture = generator.picture(w.detach())
    return average, deviation, torch.tensor(distances), torch.stack(found), picture


def main(out):
    facts = json.loads((files.REF / f"{NAME}.json").read_text())
    average, deviation, distances, found, picture = search(facts, tensors(NAME))
    made = {"w_avg_200": average, "dist": distances, "w_out": found, "final_image_const_noise_of_pickle": picture}
    made = files.committed(NAME) | {name: x.detach().numpy().astype(np.float32) for name, x in made.items()}
    ends = [distances[0].item(), distances[-1].item()]
    files.save(out, NAME, made, facts | {"w_std": deviation.item(), "dist_first_last": ends})


if __name__ == "__main__":
    main(sys.argv[1])

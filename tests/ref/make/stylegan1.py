"""ros/ros_sg1_outputs: the first StyleGAN, as rosinality's style-based-gan-pytorch computes it, on a small random network.

    python stylegan1.py OUT

The peer is github.com/rosinality/style-based-gan-pytorch at 07fa60be (MIT). It made the committed file in f32; this
program calls nothing of it and computes in f64. The network's tensors come from the committed ros/ros_sg1_narrow, and z,
noise and the average style from the committed file: how they were drawn is not known.
"""

import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

import files

PEER = "07fa60be77b093dd13a46597138df409ffc3b9bc"
PSI = 0.7
NAME = "ros/ros_sg1_outputs"


class Generator:
    """Mapping and synthesis of a dict of tensors."""

    def __init__(self, tensors):
        self.tensors = {name: torch.from_numpy(x).double() for name, x in tensors.items()}

    def scaled(self, name):
        """A weight times sqrt(2 / inputs)."""
        weight = self.tensors[name]
        return weight * math.sqrt(2 / weight[0].numel())

    def mapping(self, z):
        w = z / torch.sqrt((z**2).mean(1, keepdim=True) + 1e-8)
        for index in range(1, 16, 2):
            name = f"style.{index}.linear"
            w = F.leaky_relu(F.linear(w, self.scaled(f"{name}.weight_orig"), self.tensors[f"{name}.bias"]), 0.2)
        return w

    def upsampled(self, block, x):
        """The first layer of a block but the first one: fused or not, then a blur."""
        if f"{block}.conv1.0.weight" in self.tensors:
            weight = self.tensors[f"{block}.conv1.0.weight"]
            weight = F.pad(weight * math.sqrt(2 / weight[:, 0].numel()), [1, 1, 1, 1])
            weight = (weight[..., 1:, 1:] + weight[..., :-1, 1:] + weight[..., 1:, :-1] + weight[..., :-1, :-1]) / 4
            x = F.conv_transpose2d(x, weight, self.tensors[f"{block}.conv1.0.bias"], stride=2, padding=1)
            blur = self.tensors[f"{block}.conv1.1.weight"]
        else:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            weight = self.scaled(f"{block}.conv1.1.conv.weight_orig")
            x = F.conv2d(x, weight, self.tensors[f"{block}.conv1.1.conv.bias"], padding=1)
            blur = self.tensors[f"{block}.conv1.2.weight"]
        return F.conv2d(x, blur, padding=1, groups=x.shape[1])

    def finished(self, block, layer, x, w, noise):
        """Noise, leaky ReLU and adaptive instance norm."""
        x = F.leaky_relu(x + self.scaled(f"{block}.noise{layer}.weight_orig") * noise, 0.2)
        name = f"{block}.adain{layer}.style.linear"
        style = F.linear(w, self.scaled(f"{name}.weight_orig"), self.tensors[f"{name}.bias"])
        scale, shift = style[:, :, None, None].chunk(2, 1)
        return F.instance_norm(x, eps=1e-5) * scale + shift

    def picture(self, index, x):
        name = f"generator.to_rgb.{index}.conv"
        return F.conv2d(x, self.scaled(f"{name}.weight_orig"), self.tensors[f"{name}.bias"])

    def synthesis(self, styles, noise, step, alpha=1.0):
        """`styles` are a w per block."""
        x = self.tensors["generator.progression.0.conv1.input"].repeat(len(styles[0]), 1, 1, 1)
        for index in range(step + 1):
            block, before = f"generator.progression.{index}", x
            if index > 0:
                x = self.upsampled(block, x)
            x = self.finished(block, 1, x, styles[index], noise[index])
            weight, bias = self.scaled(f"{block}.conv2.conv.weight_orig"), self.tensors[f"{block}.conv2.conv.bias"]
            x = self.finished(block, 2, F.conv2d(x, weight, bias, padding=1), styles[index], noise[index])
        picture = self.picture(step, x)
        if alpha < 1:
            earlier = F.interpolate(self.picture(step - 1, before), scale_factor=2, mode="nearest")
            picture = (1 - alpha) * earlier + alpha * picture
        return picture


def main(out):
    generator = Generator(files.committed("ros/ros_sg1_narrow"))
    given = files.committed(NAME)
    noise = [torch.from_numpy(given[f"noise_{index}"]).double() for index in range(6)]
    first = [plane[:1] for plane in noise]
    style = generator.mapping(torch.from_numpy(given["z"]).double())
    average = torch.from_numpy(given["mean_style"]).double()
    w = average + PSI * (style - average)
    a, b = w[:1], w[1:]
    made = {
        "style": style,
        "img_step3_alpha0.4": generator.synthesis([a] * 4, first, 3, 0.4),
        "img_step4_64px": generator.synthesis([w] * 5, noise, 4),
        "img_step5_128px_fused": generator.synthesis([a] * 6, first, 5),
        "mix_coarse_from_1": generator.synthesis([b, b, a, a, a], first, 4),
    }
    made = {name: x.numpy().astype(np.float32) for name, x in made.items()}
    facts = {
        "peer": PEER,
        "psi": PSI,
        "mixing_range": [0, 1],
        "note": "made by the peer in f32; noise_k is given to both layers of block k; step k paints 4 * 2^k pixels",
    }
    files.save(out, NAME, {**given, **made}, facts)


if __name__ == "__main__":
    main(sys.argv[1])

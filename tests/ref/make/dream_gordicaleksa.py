"""dream/gordicaleksa: what gordicaleksa/pytorch-deepdream does, written anew with OpenCV and PyTorch.

    python dream_gordicaleksa.py OUT

The network is VGG16 with portable weights, the picture is the astronaut, there is no shift. A picture is [H, W, 3], f32,
normalised for ImageNet; what runs end in is in 0..1.
"""

import math
import sys

import cv2
import numpy as np
import torch

import files
from torchvision_nets import MEAN, STD, model, vgg_layers

PEER = "f37d99a1fa0cafa94aa99d9384026292a3c9bb6c"
CONFIG = {
    "img_width": 128,
    "layers_to_use": ["relu4_3"],
    "model_name": "VGG16_EXPERIMENTAL",
    "pretrained_weights": "IMAGENET",
    "pyramid_size": 3,
    "pyramid_ratio": 1.4,
    "num_gradient_ascent_iterations": 4,
    "lr": 0.09,
    "spatial_shift_size": 0,
    "smoothing_coefficient": 0.5,
    "use_noise": False,
}
MULTILAYER = CONFIG | {
    "layers_to_use": ["relu3_3", "relu5_1"],
    "pyramid_size": 2,
    "pyramid_ratio": 1.8,
    "num_gradient_ascent_iterations": 2,
    "lr": 0.05,
}
MEAN, STD = np.float32(MEAN), np.float32(STD)


def blur(gradient, sigma):
    """The mean of three Gaussians of 9 x 9 pixels, of half, once and twice `sigma`, on a mirrored border."""
    offset = torch.arange(9, dtype=torch.float32) - 4
    padded = torch.nn.functional.pad(gradient, [4] * 4, mode="reflect")
    blurred = []
    for factor in (0.5, 1.0, 2.0):
        deviation = factor * sigma
        # The density's factor cancels below, but for its rounding, which moves a kink now and then.
        line = 1 / (deviation * math.sqrt(2 * math.pi)) * torch.exp(-((offset / deviation) ** 2) / 2)
        kernel = torch.outer(line, line)
        kernel = (kernel / kernel.sum()).to(gradient.dtype).expand(3, 1, 9, 9)
        blurred.append(torch.nn.functional.conv2d(padded, kernel, groups=3))
    return (blurred[0] + blurred[1] + blurred[2]) / 3


def step(network, config, x, index):
    """One step of gradient ascent: [1, 3, H, W]."""
    x = x.detach().requires_grad_()
    layers = vgg_layers(network, x)
    layers = [layers[name] for name in config["layers_to_use"]]
    loss = torch.stack([torch.nn.functional.mse_loss(layer, torch.zeros_like(layer)) for layer in layers]).mean()
    (gradient,) = torch.autograd.grad(loss, x)
    sigma = (index + 1) / config["num_gradient_ascent_iterations"] * 2 + config["smoothing_coefficient"]
    gradient = blur(gradient, sigma)
    gradient = (gradient - gradient.mean()) / gradient.std()
    low, high = (torch.from_numpy(bound.reshape(1, 3, 1, 1)) for bound in (-MEAN / STD, (1 - MEAN) / STD))
    return (x.detach() + config["lr"] * gradient).clamp(low.to(x.dtype), high.to(x.dtype))


def run(config, image, dtype):
    """The result in 0..1, and what every level starts from and ends in."""
    network, trace = model("vgg16", dtype), {}
    picture = (image - MEAN) / STD
    for level in range(config["pyramid_size"]):
        scale = config["pyramid_ratio"] ** (level - config["pyramid_size"] + 1)
        height, width = np.round(np.float32(image.shape[:2]) * scale).astype(int)
        picture = cv2.resize(picture, (int(width), int(height)))
        x = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None])).to(dtype)
        trace[f"level{level}.input"] = x.numpy()
        for index in range(config["num_gradient_ascent_iterations"]):
            x = step(network, config, x, index)
            trace[f"level{level}.after_iter{index}"] = x.numpy()
        picture = x.numpy()[0].transpose(1, 2, 0)
    return np.clip(picture * STD + MEAN, 0, 1), trace


def pictures(image):
    """What the peer does with whole pictures: sizes, and its videos' moves at 30 frames per second."""
    height, width = image.shape[:2]
    centre, size = (width / 2, height / 2), (width, height)
    moves = {
        "zoom": cv2.getRotationMatrix2D(centre, 0, 1.04),
        "zoom_rotate": cv2.getRotationMatrix2D(centre, 1.5, 1.04),
        "translate": np.array([[1.0, 0, 2], [0, 1, 2]]),
    }
    results = {f"transform.{name}": cv2.warpAffine(image, move, size) for name, move in moves.items()}
    results["cv_resize_down_57x43"] = cv2.resize(image, (57, 43))
    results["cv_resize_up_200x150"] = cv2.resize(image, (200, 150))
    return results


def make(out):
    image = files.picture("astronaut").astype(np.float32) / 255
    tensors, facts = pictures(image), {"config": CONFIG, "config_multilayer": MULTILAYER}
    # A random picture in the range of gradients. What drew it is not known, so it comes from the committed file.
    noise = torch.from_numpy(files.committed("dream/gordicaleksa")["cascade_blur.in"])
    tensors["cascade_blur.in"] = noise.numpy()
    tensors |= {f"cascade_blur.sigma{sigma}": blur(noise, sigma).numpy() for sigma in (0.5, 1.0, 2.5)}
    result, trace = run(CONFIG, image, torch.float32)
    several, _ = run(MULTILAYER, image, torch.float32)
    tensors |= {"out_rgb01": result, "out_rgb01.multilayer": several}
    # How the peer's videos mix a frame with the last result.
    tensors["blend_0.85"] = image + 0.85 * (result - image)
    kept = [name for name in trace if name.startswith("level0.") or name.endswith((".input", ".after_iter3"))]
    tensors |= {name: trace[name] for name in kept}
    facts["level_shapes"] = {name[:6]: list(x.shape[2:]) for name, x in trace.items() if name.endswith("input")}
    errors = {}
    for prefix, config, found in (("", CONFIG, result), ("multilayer_", MULTILAYER, several)):
        difference = np.abs(run(config, image, torch.float64)[0] - found)
        errors |= {f"{prefix}max_abs": difference.max().item(), f"{prefix}mean_abs": difference.mean().item()}
    facts |= {
        "f32_vs_f64": errors,
        "image": "astronaut",
        "cv2": cv2.__version__,
        "note": "loss = mean over layers of mean(act^2); grad -> 3-gaussian 9x9 reflect-padded blur average -> "
        "(g-mean)/std(unbiased) -> x += lr*g -> clamp to normalised bounds; image resized between levels with cv2 "
        "INTER_LINEAR",
        "peer": PEER,
        "versions": files.versions("torch", "torchvision", "numpy"),
    }
    files.save(out, "dream/gordicaleksa", tensors, facts)


if __name__ == "__main__":
    make(sys.argv[1])

"""dream/google: what Google's notebook does (github.com/google/deepdream), written anew with SciPy and PyTorch.

    python dream_google.py OUT

The notebook itself needs Caffe and Python 2. Here the network is torchvision's GoogLeNet with portable weights; it takes
blue, green, red less their means, over 58. There is no jitter. A picture of the notebook is [3, H, W], f32, blue first, less
its means; what is written is [H, W, 3] in 0..255.
"""

import sys

import numpy as np
import torch
from scipy import ndimage

import files
from torchvision_nets import googlenet_layers, model

PEER = "bbc2ddf9e7632cc3f4d3e70211e85ae7169f366f"
END = "inception3b"
MEAN = np.array([104, 116, 122], np.float32)[:, None, None]
SCALE, STEP = 1.4, 1.5


class Dream:
    def __init__(self, dtype):
        self.network, self.dtype = model("googlenet", dtype), dtype

    def features(self, x):
        """The features at END of a picture: [1, C, h, w]."""
        return googlenet_layers(self.network, x[None] / 58)[END]

    def gradient(self, picture, direction):
        """What the features ask of the picture if `direction` says where they are to go."""
        x = torch.from_numpy(picture).to(self.dtype).requires_grad_()
        features = self.features(x)
        (gradient,) = torch.autograd.grad(features, x, direction(features.detach()))
        return gradient.numpy().astype(np.float32)

    def run(self, image, octaves, steps, direction):
        """The picture after each step of each octave."""
        bases, shown = [inward(image)], []
        for _ in range(octaves - 1):
            bases.append(ndimage.zoom(bases[-1], (1, 1 / SCALE, 1 / SCALE), order=1))
        detail = np.zeros_like(bases[-1])
        for base in reversed(bases):
            if detail.shape != base.shape:
                (_, height, width), (_, h, w) = base.shape, detail.shape
                detail = ndimage.zoom(detail, (1, height / h, width / w), order=1)
            x = base + detail
            for _ in range(steps):
                gradient = self.gradient(x, direction)
                x = x + STEP / np.abs(gradient).mean() * gradient
                x = np.clip(x, -MEAN, 255 - MEAN)
                shown.append(outward(x))
            detail = x - base
        return shown


def inward(image):
    """[H, W, 3] in 0..255, red first, as the network takes it."""
    return image.astype(np.float32).transpose(2, 0, 1)[::-1] - MEAN


def outward(x):
    return np.ascontiguousarray((x + MEAN)[::-1].transpose(1, 2, 0))


def towards(guide):
    """Each place is to go where the guide's place lies whose features have the largest dot product with its own."""
    guide = guide.flatten(2)[0]

    def direction(features):
        nearest = (features.flatten(2)[0].T @ guide).argmax(1)
        return guide[:, nearest].reshape(features.shape)

    return direction


def runs(dtype):
    """The whole run, the guided run and the guide's features."""
    dream = Dream(dtype)
    image = files.picture("astronaut")
    with torch.no_grad():
        guide = dream.features(torch.from_numpy(inward(files.picture("coffee"))).to(dtype))
    # The gradient of half the sum of squares is the features themselves.
    return dream.run(image, 3, 3, lambda features: features), dream.run(image, 2, 2, towards(guide)), guide.numpy()


def make(out):
    (shown, guided, guide), (truth, _, _) = runs(torch.float32), runs(torch.float64)
    tensors = {"out_rgb255": shown[-1], "out_rgb255.guided": guided[-1]}
    for index, picture in enumerate(shown):
        full = index in (0, 2, 5, 8)
        name = f"vis{index}_oct{index // 3}_it{index % 3}"
        tensors[name] = picture if full else files.every(picture, 37)
    stride = files.stride(guide.size, 2048)
    tensors["guide_features.sample"] = files.every(guide, stride, 2048)
    astronaut = files.picture("astronaut").astype(np.float32)
    planes = np.ascontiguousarray(astronaut.transpose(2, 0, 1))
    down = ndimage.zoom(planes, (1, 1 / SCALE, 1 / SCALE), order=1)
    tensors["nd_zoom_down"] = down
    tensors["nd_zoom_up"] = ndimage.zoom(down, (1, 96 / down.shape[1], 128 / down.shape[2]), order=1)
    s, (h, w, _) = 0.05, astronaut.shape
    tensors["zoom_affine_s0.05"] = ndimage.affine_transform(
        astronaut, [1 - s, 1 - s, 1], [h * s / 2, w * s / 2, 0], order=1
    )
    difference = np.abs(shown[-1] - truth[-1])
    facts = {
        "f32_vs_f64": {
            "final_max_abs": difference.max().item(),
            "final_mean_abs": difference.mean().item(),
            "first_step_max_abs": np.abs(shown[0] - truth[0]).max().item(),
        },
        "params": {
            "iter_n": 3,
            "octave_n": 3,
            "octave_scale": SCALE,
            "end": END,
            "clip": True,
            "jitter": 0,
            "step_size": STEP,
        },
        "guided": {"iter_n": 2, "octave_n": 2},
        "guide": "coffee",
        "image": "astronaut",
        "net": "torchvision googlenet names, portable weights, no aux, input (BGR-mean)/58",
        "guide_sample_stride": stride,
        "scipy": files.versions("scipy")["scipy"],
        "peer": PEER,
        "note": "nd.zoom(order=1) uses corner-aligned coordinates ((in-1)/(out-1)), output size round(in*zoom); detail "
        "carried between octaves; step = step_size/mean|g| * g",
    }
    files.save(out, "dream/google", tensors, facts)


if __name__ == "__main__":
    make(sys.argv[1])

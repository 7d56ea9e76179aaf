"""perceptual/lpips_vgg16: LPIPS 0.1, and sums of absolute differences of features, on VGG16 with portable weights.

    python lpips_vgg16.py OUT

LPIPS is the package `lpips` with its own heads (`lin0` .. `lin4`); only the VGG16 below them has portable weights, named
`features.N.*`. Pictures are in -1..1. All is computed in f32, as the package does.
"""

import sys

import lpips
import numpy as np
import torch

import files
import portable
from torchvision_nets import MEAN, STD, model, vgg_layers

ALPHAS = {"relu1_2": 1 / 32, "relu2_2": 1 / 16, "relu3_3": 1 / 8, "relu4_3": 1 / 4, "relu5_3": 1.0}


def picture(name, dtype):
    """A photograph in -1..1: [1, 3, H, W]."""
    pixels = torch.from_numpy(files.picture(name).transpose(2, 0, 1)[None].astype(np.float32))
    return (pixels / 127.5 - 1).to(dtype)


def metric(dtype, **options):
    """LPIPS on VGG16 with portable weights."""
    network = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False, **options)
    # The package cuts the layers into slices, and keeps their numbers.
    state = {
        name: torch.from_numpy(portable.tensor("features." + name.split(".", 1)[1], x.shape))
        for name, x in network.net.state_dict().items()
    }
    network.net.load_state_dict(state)
    return network.to(dtype)


def distances(dtype):
    """What LPIPS says of the two pictures."""
    network, (x, y) = metric(dtype), (picture(name, dtype) for name in ("astronaut", "coffee"))
    x.requires_grad_()
    value, layers = network(x, y, retPerLayer=True)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    with torch.no_grad():
        results = {
            "lpips": value,
            "lpips_per_layer": torch.cat([layer.flatten() for layer in layers]),
            "lpips_grad_wrt_in0": gradient,
            "lpips_self": network(x, x),
            "lpips_normalize01": network((x + 1) / 2, (y + 1) / 2, normalize=True),
            "lpips_spatial": metric(dtype, spatial=True)(x, y),
            "baseline_no_lin": metric(dtype, lpips=False)(x, y),
        }
    results |= {name: x for name, x in network.state_dict().items() if name.startswith("lin") and "lins" not in name}
    return {name: result.detach().numpy() for name, result in results.items()}


def absolute_differences():
    """The article's sum over layers of alpha |F(x) - F(y)|, as sums and as means."""
    network, (x, y) = model("vgg16", torch.float32), (picture(name, torch.float32) for name in ("astronaut", "coffee"))
    y.requires_grad_()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    features = [vgg_layers(network, ((image + 1) / 2 - mean) / std) for image in (x, y)]
    differences = {name: (features[0][name] - features[1][name]).abs() for name in ALPHAS}
    means = sum(alpha * differences[name].mean() for name, alpha in ALPHAS.items())
    (gradient,) = torch.autograd.grad(means, y, retain_graph=True)
    results = {
        "perceptual_l1_mean": means[None],
        "perceptual_l1_mean_grad_wrt_y": gradient,
        "perceptual_l1_sum": sum(alpha * differences[name].sum() for name, alpha in ALPHAS.items())[None],
        "perceptual_l1_terms_mean": torch.stack([difference.mean() for difference in differences.values()]),
    }
    return {name: result.detach().numpy() for name, result in results.items()}


def make(out):
    tensors, truth = distances(torch.float32), distances(torch.float64)
    error = np.abs(tensors["lpips"] - truth["lpips"]).max().item()
    tensors["lpips_spatial.sample"] = files.every(tensors.pop("lpips_spatial"), 6)
    tensors |= absolute_differences()
    facts = {
        "in0": "astronaut",
        "in1": "coffee",
        "range": "[-1,1] (uint8/127.5-1)",
        "abs_err_vs_f64": error,
        "alphas": ALPHAS,
        "spatial_stride": 6,
        "lpips": files.versions("lpips")["lpips"],
        "note": "scaling layer (x-[-.030,-.088,-.188])/[.458,.448,.450]; unit-normalise channels "
        "x/(sqrt(sum x^2)+1e-10); lin 1x1 conv no bias on squared diff; spatial mean; sum over 5 layers; layers "
        "relu1_2,2_2,3_3,4_3,5_3. perceptual_l1: ImageNet mean/std on (x+1)/2",
        "versions": files.versions("torch", "torchvision", "numpy"),
    }
    files.save(out, "perceptual/lpips_vgg16", tensors, facts)


if __name__ == "__main__":
    make(sys.argv[1])

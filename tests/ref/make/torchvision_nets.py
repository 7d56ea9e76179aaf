"""tv/vgg16, tv/vgg19 and tv/googlenet: torchvision's networks with portable weights, computed in f64.

    python torchvision_nets.py OUT [vgg16] [vgg19] [googlenet]

The input is the astronaut, normalised for ImageNet. Every layer's output is given as statistics and as a strided
sample. A target is a weighted sum of mean squares of layers; its gradient by the input is given in full. The errors in
the JSON file are those of the same program in f32.
"""

import sys

import numpy as np
import torch
import torchvision

import files
import portable

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

VGG = {"relu4_3": {"relu4_3": 1.0}, "multi": {"relu3_3": 1.0, "relu4_1": 0.5, "relu5_2": 2.0}}
TARGETS = {
    "vgg16": VGG,
    "vgg19": VGG,
    "googlenet": {
        "inception4c": {"inception4c": 1.0},
        "multi": {"inception3b": 1.0, "inception4c": 1.0, "inception5a": 0.5},
    },
}
GOOGLENET = ["conv1", "conv2", "conv3", "inception3a", "inception3b"]
GOOGLENET += [f"inception4{x}" for x in "abcde"] + ["inception5a", "inception5b"]


def model(kind, dtype):
    """torchvision's network of that name with portable weights, for inference."""
    options = {"aux_logits": False, "init_weights": False} if kind == "googlenet" else {"init_weights": False}
    network = getattr(torchvision.models, kind)(weights=None, **options)
    if kind != "googlenet":
        network.classifier = torch.nn.Sequential()
    state = {name: torch.from_numpy(portable.tensor(name, x.shape)) for name, x in network.state_dict().items()}
    network.load_state_dict(state)
    return network.to(dtype).eval().requires_grad_(False)


def vgg_layers(network, x):
    """Every ReLU's and pool's output, by its name in the article."""
    layers, block, index = {}, 1, 0
    for module in network.features:
        if isinstance(module, torch.nn.ReLU):
            x, index = torch.relu(x), index + 1
            layers[f"relu{block}_{index}"] = x
        else:
            x = module(x)
        if isinstance(module, torch.nn.MaxPool2d):
            layers[f"pool{block}"] = x
            block, index = block + 1, 0
    return layers


def googlenet_layers(network, x):
    """The outputs of the blocks, and the logits."""
    layers = {}
    hooks = [
        getattr(network, name).register_forward_hook(lambda _module, _input, output, name=name: layers.update({name: output}))
        for name in GOOGLENET
    ]
    layers["logits"] = network(x)
    for hook in hooks:
        hook.remove()
    return layers


def evaluate(kind, image, dtype):
    """All layers, and the losses and gradients of the targets."""
    x = torch.from_numpy(image).to(dtype).requires_grad_()
    layers = (googlenet_layers if kind == "googlenet" else vgg_layers)(model(kind, dtype), x)
    results = dict(layers)
    for target, terms in TARGETS[kind].items():
        loss = sum(weight * layers[name].square().mean() for name, weight in terms.items())
        (results[f"grad.{target}"],) = torch.autograd.grad(loss, x, retain_graph=True)
        results[f"loss.{target}"] = loss
    return {name: result.detach().double().numpy() for name, result in results.items()}


def make(kind, out):
    pixels = files.picture("astronaut").astype(np.float32) / 255
    # In f32: the gradients depend on the last bit of the input, by way of ReLUs whose input is all but 0.
    image = ((pixels - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)[None]
    truth, single = (evaluate(kind, image, dtype) for dtype in (torch.float64, torch.float32))
    tensors, facts = {"input": image}, {}
    for name, value in truth.items():
        difference = single[name] - value
        facts[name] = files.statistics(value) | {
            "max_abs_err_f32_vs_f64": np.abs(difference).max().item(),
            "rel_l2_err_f32_vs_f64": (np.linalg.norm(difference) / np.linalg.norm(value)).item(),
        }
        if name.startswith(("grad.", "loss.", "logits")):
            tensors[name] = np.atleast_1d(value).astype(np.float32)
        else:
            facts[name]["stride"] = files.stride(value.size)
            tensors[f"sample.{name}"] = files.every(value, facts[name]["stride"]).astype(np.float32)
    parameters = {name: list(x.shape) for name, x in model(kind, torch.float32).state_dict().items()}
    targets = {name: [[layer, weight] for layer, weight in terms.items()] for name, terms in TARGETS[kind].items()}
    files.save(
        out,
        f"tv/{kind}",
        tensors,
        {
            "kind": kind,
            "image": "images/astronaut_128x96.png",
            "normalise": "(x/255 - [.485,.456,.406])/[.229,.224,.225]",
            "layers": facts,
            "targets": targets,
            "versions": files.versions("torch", "torchvision", "numpy"),
            "params": parameters,
        },
    )


if __name__ == "__main__":
    for kind in sys.argv[2:] or TARGETS:
        make(kind, sys.argv[1])

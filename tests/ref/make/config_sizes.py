"""sg2/config_sizes.json: names, shapes and sizes of StyleGAN's released configurations, from NVIDIA's implementations.

    python config_sizes.py OUT STYLEGAN2 STYLEGAN3

The last two are clones of github.com/NVlabs/stylegan2-ada-pytorch and stylegan3 (see README.md for commits and licences).
Nothing is computed but the networks' construction.
"""

import json
import math
import sys
from pathlib import Path

import torch


def stylegan2(networks):
    """Each configuration's name and its network."""
    common = {"c_dim": 0, "img_channels": 3}

    def generator(resolution, base=32768, layers=8, **options):
        synthesis = {"channel_base": base, "channel_max": 512, "num_fp16_res": 4, "conv_clamp": 256}
        kwargs = common | {"z_dim": 512, "w_dim": 512, "img_resolution": resolution} | options
        return networks.Generator(**kwargs, mapping_kwargs={"num_layers": layers}, synthesis_kwargs=synthesis)

    for resolution in (256, 512, 1024):
        yield f"stylegan2 config-f G {resolution}", generator(resolution)
        yield f"stylegan2 config-f D {resolution}", networks.Discriminator(
            **common, img_resolution=resolution, channel_base=32768, channel_max=512, num_fp16_res=4, conv_clamp=256
        )
    yield "ada auto/paper256 (fmaps .5) G 256", generator(256, base=16384)
    yield "ada cifar G 32 c10", generator(32, layers=2, c_dim=10)


def stylegan3(networks):
    for kind, options in (
        ("t", {"channel_base": 32768, "channel_max": 512}),
        ("r", {"channel_base": 65536, "channel_max": 1024, "conv_kernel": 1, "use_radial_filters": True}),
    ):
        for resolution in (256, 512, 1024) if kind == "t" else (256, 1024):
            yield f"stylegan3-{kind} G {resolution}", networks.Generator(
                z_dim=512,
                c_dim=0,
                w_dim=512,
                img_resolution=resolution,
                img_channels=3,
                mapping_kwargs={"num_layers": 2},
                **options,
            )


def sizes(network):
    state = network.state_dict()
    elements = sum(x.numel() for x in state.values())
    return {
        "tensors": len(state),
        "params": sum(x.numel() for x in network.parameters()),
        "elements": elements,
        "MiB_f32": round(elements * 4 / math.pow(2, 20), 1),
        "num_ws": getattr(network, "num_ws", None),
        "names": {name: list(x.shape) for name, x in state.items()},
    }


def load(peer, module):
    """A module of a clone. Both clones call their packages alike, so what the first one left is forgotten."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("training", "torch_utils", "dnnlib")]:
        del sys.modules[name]
    sys.path.insert(0, peer)
    return getattr(__import__(f"training.{module}"), module)


if __name__ == "__main__":
    out, first, second = sys.argv[1:]
    torch.set_grad_enabled(False)
    facts = {name: sizes(network) for name, network in stylegan2(load(first, "networks"))}
    facts |= {name: sizes(network) for name, network in stylegan3(load(second, "networks_stylegan3"))}
    path = Path(out) / "sg2" / "config_sizes.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts))

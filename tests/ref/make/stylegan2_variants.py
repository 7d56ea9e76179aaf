"""sg2/sg2_16_variants, sg2/sg2_8_variants and sg2/sg2_64_discriminator: NVIDIA's StyleGAN2 in its less usual forms.

    python stylegan2_variants.py OUT PEER

PEER is the clone that stylegan2.py needs. Of the networks of 16 and 64 pixels the tensors are inputs, taken from the
committed files; those of 8 pixels are drawn here. All is computed in f32.
"""

import sys
import warnings

import numpy as np
import torch
from torch.nn.functional import softplus

import files

SIZES = {"channel_base": 512, "channel_max": 32, "conv_clamp": 256}
TAPS = [1, 7, 21, 35, 35, 21, 7, 1]
D64 = {
    "c_dim": 0,
    "img_resolution": 64,
    "img_channels": 3,
    "channel_base": 1024,
    "channel_max": 64,
    "num_fp16_res": 4,
    "conv_clamp": 256,
}


def load(network, prefix, committed):
    """The network with the committed tensors whose names have that prefix."""
    state = network.state_dict()
    for name, x in state.items():
        # Of filters that no layer applies only the names are the network's.
        if prefix + name in committed:
            x.copy_(torch.from_numpy(committed[prefix + name]).reshape(x.shape))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def variants(out, networks):
    """Three architectures, and classes: pictures with truncation 0.8, and what the discriminators say of them."""
    committed = files.committed("sg2/sg2_16_variants")
    z = torch.from_numpy(committed["z"])
    tensors = {name: x for name, x in committed.items() if name[:2] in ("G_", "D_")} | {"z": z}
    for name in ("orig", "skip", "resnet", "cond"):
        c = torch.from_numpy(committed["cond.c"]) if name == "cond" else None
        classes = 5 if name == "cond" else 0
        architectures = {"cond": ("skip", "resnet")}.get(name, (name, name))
        if name == "skip":
            image = torch.from_numpy(committed["skip.img"])
        else:
            generator = networks.Generator(
                z_dim=32,
                c_dim=classes,
                w_dim=32,
                img_resolution=16,
                img_channels=3,
                mapping_kwargs={"num_layers": 4 if classes else 2},
                synthesis_kwargs=SIZES | {"architecture": architectures[0]},
            )
            generator = load(generator, f"G_{name}.", committed)
            image = generator(z, c, truncation_psi=0.8, noise_mode="const")
        judge = networks.Discriminator(
            c_dim=classes, img_resolution=16, img_channels=3, architecture=architectures[1], **SIZES
        )
        tensors |= {f"{name}.img": image, f"{name}.logits": load(judge, f"D_{name}.", committed)(image, c)}
        if name == "cond":
            tensors |= {"cond.c": c, "cond.ws": generator.mapping(z, c, truncation_psi=0.8)}
    files.save(out, "sg2/sg2_16_variants", tensors, {"note": "see stylegan2_variants.py"})


def drawn(network, seed):
    """The network as it is made, with random biases, strengths and averages, which are constants otherwise."""
    torch.manual_seed(seed)
    state = network.state_dict()
    for name, x in state.items():
        if not name.endswith("resample_filter"):
            x.add_(torch.randn_like(x) * 0.3)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def small(out, networks):
    """Styles of a class alone, four channels, separable filters, two statistics, classes mapped to 12 numbers."""
    torch.manual_seed(5)
    sizes = {"channel_base": 128, "channel_max": 16, "conv_clamp": 256}
    generator = networks.Generator(
        z_dim=0,
        c_dim=3,
        w_dim=16,
        img_resolution=8,
        img_channels=4,
        mapping_kwargs={"num_layers": 1},
        synthesis_kwargs=sizes | {"architecture": "resnet", "resample_filter": TAPS},
    )
    judge = networks.Discriminator(
        c_dim=3,
        img_resolution=8,
        img_channels=4,
        architecture="skip",
        cmap_dim=12,
        mapping_kwargs={"num_layers": 2},
        block_kwargs={"resample_filter": TAPS},
        epilogue_kwargs={"mbstd_num_channels": 2},
        **sizes,
    )
    generator, judge = drawn(generator, 6), drawn(judge, 7)
    c = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0.5], [0, 0.25, 0.75], [0, 0, 0]], dtype=torch.float32)
    ws = generator.mapping(torch.zeros(6, 0), c)
    image = generator.synthesis(ws, noise_mode="const")
    tensors = {"c": c, "ws": ws, "img": image}
    # Batches of 6 are refused.
    tensors |= {"logits_4": judge(image[:4], c[:4]), "logits_3": judge(image[3:], c[3:])}
    tensors |= {f"G.{name}": x for name, x in generator.state_dict().items()}
    tensors |= {f"D.{name}": x for name, x in judge.state_dict().items()}
    tensors = {name: np.array(x) for name, x in tensors.items()}
    files.save(out, "sg2/sg2_8_variants", tensors, {"note": "see stylegan2_variants.py"})


def lengths(judge, real, fake):
    """The lengths of the gradients of the loss and of R1 by parameter, none where there is no gradient."""
    judge.requires_grad_(True)
    parameters = dict(judge.named_parameters())
    shown = real.clone().requires_grad_()
    logits = judge(shown, None, force_fp32=True)
    (gradient,) = torch.autograd.grad(logits.sum(), shown, create_graph=True)
    losses = {
        "grad_norm_R1": gradient.square().sum([1, 2, 3]).mean() * 5,
        "grad_norm_loss_D": softplus(-logits).mean() + softplus(judge(fake, None, force_fp32=True)).mean(),
    }
    facts = {}
    for name, loss in losses.items():
        gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True, allow_unused=True)
        norms = [None if x is None else x.norm().item() for x in gradients]
        facts[name] = dict(zip(parameters, norms))
    judge.requires_grad_(False)
    return facts


def discriminator(out, networks):
    """Logits of batches, the losses of training, and the gradient that R1 penalises."""
    committed = files.committed("sg2/sg2_64_discriminator")
    fake = torch.from_numpy(files.committed("sg2/sg2_64_outputs")["img_psi07_const"])
    real = torch.from_numpy(committed["real"])
    judge = load(networks.Discriminator(**D64), "D.", committed)
    tensors = {name: x for name, x in committed.items() if name.startswith("D.")} | {"real": real}
    logits = {
        "logits_real": judge(real, None, force_fp32=True),
        "logits_fake": judge(fake, None, force_fp32=True),
        "logits_real_batch1": judge(real[:1], None, force_fp32=True),
        "logits_real_batch3": judge(real[:3], None, force_fp32=True),
        "logits_8": judge(torch.cat([real, fake]), None, force_fp32=True),
    }
    losses = {
        "loss_D": softplus(-logits["logits_real"]).mean() + softplus(logits["logits_fake"]).mean(),
        "loss_G": softplus(-logits["logits_fake"]).mean(),
    }
    shown = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(shown, None, force_fp32=True).sum(), shown)
    penalty = gradient.square().sum([1, 2, 3])
    losses["loss_r1_gamma10"] = penalty.mean() * 5
    tensors |= logits | {name: x.reshape(1) for name, x in losses.items()}
    tensors |= {"r1_grad": gradient, "r1_penalty": penalty}
    facts = {"D_kwargs": D64, "note": "see stylegan2_variants.py"} | lengths(judge, real, fake)
    files.save(out, "sg2/sg2_64_discriminator", tensors, facts)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[2])
    warnings.filterwarnings("ignore")
    from training import networks

    small(sys.argv[1], networks)
    variants(sys.argv[1], networks)
    discriminator(sys.argv[1], networks)

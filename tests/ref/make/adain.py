"""adain/adain: the program of naoto0804/pytorch-AdaIN with portable weights, in f64.

    python adain.py OUT PEER

PEER is a clone of github.com/naoto0804/pytorch-AdaIN (MIT) at 47950d0e. Of it the networks, the operation, the loss and
`coral` are used; the few lines of its command-line program that are needed here stand in `transfer`. The peer computes
in f32, and the committed file holds what it computed on another machine; f64 is what all such files lie around.
"""

import sys

import numpy as np
import torch

import files
import portable

torch.set_default_dtype(torch.float64)
PEER = "47950d0e6656a95a80a4b105c4c0f58d38ef785c"


def picture(name):
    """A photograph in 0..1: [1, 3, H, W]. Its numbers are those of f32."""
    return torch.from_numpy(files.picture(name).transpose(2, 0, 1)[None].astype(np.float32) / 255).double()


def load(network, prefix):
    """Gives a network of the peer portable weights."""
    state = network.state_dict()
    state = {name: torch.from_numpy(portable.tensor(f"{prefix}.{name}", x.shape)) for name, x in state.items()}
    network.load_state_dict(state)
    return network.eval()


def transfer(peer, content, styles, alpha):
    """A picture of `content` in a mix of styles, given as features with their weights."""
    encoder, decoder, adain = peer
    features = encoder(content)
    mixed = sum(weight * adain(features, encoder(style)) for style, weight in styles)
    return decoder(alpha * mixed + (1 - alpha) * features)


def operation(function):
    """The operation alone, on two random maps of odd sizes."""
    generator = torch.Generator().manual_seed(3)
    content, style = (torch.randn(2, 8, *size, generator=generator, dtype=torch.float32) for size in ((6, 5), (4, 7)))
    content, style = (content * 2 + 1).double(), (style * 0.5 - 3).double()
    mean, std = function.calc_mean_std(content)
    out = function.adaptive_instance_normalization(content, style)
    return {"adain.content": content, "adain.style": style, "adain.mean": mean, "adain.std": std, "adain.out": out}


def pictures(function, encoder, decoder):
    """Features and whole pictures."""
    content, style, style2 = (picture(name) for name in ("astronaut", "coffee", "chelsea"))
    adain = function.adaptive_instance_normalization
    peer = (encoder, decoder, adain)
    features = [encoder(content), encoder(style)]
    samples = {"content": features[0], "style": features[1], "adain": adain(*features)}
    results = {f"relu4_1.{name}.sample": files.every(x, 24, 4096) for name, x in samples.items()}
    for alpha in (1.0, 0.5, 0.0):
        results[f"out.alpha{alpha}"] = transfer(peer, content, [(style, 1.0)], alpha)
    # As torchvision's save_image writes it.
    levels = (results["out.alpha1.0"] * 255 + 0.5).clamp(0, 255)
    results["out.alpha1.0.u8"] = levels.permute(0, 2, 3, 1).to(torch.uint8)
    results["out.interp_0.3_0.7_alpha0.8"] = transfer(peer, content, [(style, 0.3), (style2, 0.7)], 0.8)
    results["out.odd_size_75x101"] = transfer(peer, content[:, :, :75, :101], [(style[:, :, :61, :90], 1.0)], 1.0)
    torch.FloatTensor = torch.DoubleTensor  # The peer insists on it.
    recoloured = function.coral(style[0], content[0])
    results["coral.style_to_content"] = recoloured
    results["out.preserve_color"] = transfer(peer, content, [(recoloured[None], 1.0)], 1.0)
    return results


def training(net, encoder, decoder):
    """The two losses, and what content + 10 style asks of the decoder's weights."""
    network = net.Net(encoder, decoder)
    losses = network(picture("astronaut"), picture("coffee"))
    (losses[0] + 10 * losses[1]).backward()
    gradients = {name: x.grad for name, x in decoder.named_parameters()}
    results = {"loss_content": losses[0][None], "loss_style": losses[1][None]}
    results |= {f"grad.decoder.{name}": gradients[name] for name in ("1.bias", "28.weight")}
    features = network.encode_with_intermediate(picture("coffee"))
    statistics = {f"relu{index}_1": files.statistics(x.detach()) for index, x in enumerate(features, 1)}
    norms = {name: gradient.norm().item() for name, gradient in gradients.items()}
    return results, {"decoder_grad_norms": norms, "style_feature_stats": statistics}


def make(out, peer):
    sys.path.insert(0, peer)
    import function
    import net

    decoder, vgg = load(net.decoder, "decoder"), load(net.vgg, "vgg")
    names = {"vgg": vgg, "decoder": decoder}
    names = {key: {name: list(x.shape) for name, x in network.state_dict().items()} for key, network in names.items()}
    encoder = torch.nn.Sequential(*list(vgg.children())[:31])
    with torch.no_grad():
        tensors = operation(function) | pictures(function, encoder, decoder)
    losses, facts = training(net, encoder, decoder)
    truth = tensors["out.alpha1.0"]
    tensors = {name: np.asarray(x.detach() if torch.is_tensor(x) else x) for name, x in (tensors | losses).items()}
    tensors = {name: x if x.dtype == np.uint8 else x.astype(np.float32) for name, x in tensors.items()}
    with torch.no_grad():
        single = [picture(name).float() for name in ("astronaut", "coffee")]
        peers = (encoder.float(), decoder.float(), function.adaptive_instance_normalization)
        alone = transfer(peers, single[0], [(single[1], 1.0)], 1.0)
    facts = {
        "content": "astronaut",
        "style": "coffee",
        "style2": "chelsea",
        "input": '[0,1] RGB, no mean/std (the first 1x1 conv "0" carries it)',
        "note": "var is UNBIASED (n-1), eps 1e-5 added to var; encoder = first 31 children; reflection padding; "
        "ceil_mode max-pool",
        "sample_strides": [24, 24, 24],
        **facts,
        "out_absmax": alone.abs().max().item(),
        "max_abs_err_vs_f64": (alone - truth).abs().max().item(),
        "names": names,
        "peer": PEER,
        "versions": files.versions("torch", "numpy"),
    }
    files.save(out, "adain/adain", tensors, facts)


if __name__ == "__main__":
    make(*sys.argv[1:])

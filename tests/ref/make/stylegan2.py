"""sg2/sg2_64_interp, sg2/sg2_64_outputs and sg2/sg2_16_gray: NVIDIA's StyleGAN2 on small random networks.

    python stylegan2.py OUT PEER

PEER is a clone of github.com/NVlabs/stylegan2-ada-pytorch at d72cc7d0. Its licence allows only non-commercial use, so
nothing of it is here: the program calls it. The networks' tensors come from the committed files; all is computed in f32.
"""

import sys
import warnings

import numpy as np
import torch
from scipy.interpolate import CubicSpline

import files

PEER = "d72cc7d041b42ec8e806021a205ed9349f87c6a4"
SEEDS = [0, 1, 85, 265]
KWARGS = {
    "z_dim": 64,
    "c_dim": 0,
    "w_dim": 64,
    "img_resolution": 64,
    "img_channels": 3,
    "mapping_kwargs": {"num_layers": 8},
    "synthesis_kwargs": {"channel_base": 1024, "channel_max": 64, "num_fp16_res": 4, "conv_clamp": 256},
}
GRAY = {
    "z_dim": 32,
    "c_dim": 0,
    "w_dim": 32,
    "img_resolution": 16,
    "img_channels": 1,
    "mapping_kwargs": {"num_layers": 2},
    "synthesis_kwargs": {
        "channel_base": 512,
        "channel_max": 32,
        "conv_clamp": 256,
        "use_noise": False,
        "resample_filter": [1, 2, 1],
    },
}


def seeded(seed, size):
    return np.random.RandomState(seed).randn(1, size)


def interpolations(out):
    """Ways from z to z, and a closed spline through keyframes as NVIDIA's videos have it."""
    committed = files.committed("sg2/sg2_64_interp")
    z0, z1 = (seeded(seed, 64)[0].astype(np.float32) for seed in (3, 4))
    a, b = (z.astype(np.float64) for z in (z0, z1))
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    spherical = (np.sin(0.7 * angle) * a + np.sin(0.3 * angle) * b) / np.sin(angle)
    # The spline that interp1d(kind="cubic") builds, with the keyframes repeated five times.
    keyframes = committed["interp.keyframes"]
    count = len(keyframes)
    spline = CubicSpline(np.arange(-2 * count, 3 * count), np.tile(keyframes, (5, 1)), bc_type="not-a-knot")
    tensors = {
        "interp.z0": z0,
        "interp.z1": z1,
        "interp.lerp_0.3": a + 0.3 * (b - a),
        "interp.slerp_0.3": spherical,
        "interp.keyframes": keyframes,
        "interp.nvidia_gen_video_cubic_8_frames": spline(np.arange(8) / 2),
    }
    tensors = {name: x.astype(np.float32) for name, x in tensors.items()}
    facts = {"note": "see stylegan2.py", "slerp": "normalised dot, unnormalised blend"}
    files.save(out, "sg2/sg2_64_interp", tensors, facts)


def load(generator, prefix, committed):
    """A network of the peer with the committed tensors whose names have that prefix."""
    state = generator.state_dict()
    for name, x in state.items():
        x.copy_(torch.from_numpy(committed[prefix + name]).reshape(x.shape))
    generator.load_state_dict(state)
    return generator.eval().requires_grad_(False)


def gray(out, networks):
    committed = files.committed("sg2/sg2_16_gray")
    network = load(networks.Generator(**GRAY), "G.", committed)
    z = seeded(9, 4 * 32).reshape(4, 32).astype(np.float32)
    image = network(torch.from_numpy(z), None, noise_mode="const").numpy()
    tensors = {name: x for name, x in committed.items() if name.startswith("G.")} | {"z": z, "img": image}
    files.save(out, "sg2/sg2_16_gray", tensors, {"note": "see stylegan2.py"})


def styles(network, z):
    """What the mapping gives with several truncations."""
    ws = {
        "ws_psi1": network.mapping(z, None),
        "ws_psi07": network.mapping(z, None, truncation_psi=0.7),
        "ws_psi05_cutoff4": network.mapping(z, None, truncation_psi=0.5, truncation_cutoff=4),
    }
    return ws, ws | {"ws_psi1": ws["ws_psi1"][:, 0]}


def blocks(network, ws):
    """Pictures and features of every block for two seeds, and every layer's output for the first."""
    results, hooks = {}, []

    def keep(name, channels):
        def hook(_module, _input, output):
            results[name] = output[:1, :channels].clone()

        return hook

    def keep_block(resolution):
        def hook(_module, _input, output):
            results[f"b{resolution}.x0"], results[f"b{resolution}.img"] = output[0][:1].clone(), output[1].clone()

        return hook

    for resolution in network.synthesis.block_resolutions:
        block = getattr(network.synthesis, f"b{resolution}")
        hooks.append(block.register_forward_hook(keep_block(resolution)))
        for layer in ("conv0", "conv1", "torgb"):
            if hasattr(block, layer):
                channels = 4 if resolution >= 32 else None
                name = f"layer0.b{resolution}.{layer}"
                hooks.append(getattr(block, layer).register_forward_hook(keep(name, channels)))
    network.synthesis(ws[:2], noise_mode="const", force_fp32=True)
    for hook in hooks:
        hook.remove()
    return results


def outputs(out, networks):
    network = load(networks.Generator(**KWARGS), "G_ema.", files.committed("sg2/sg2_64_tensors"))
    z = torch.from_numpy(np.concatenate([seeded(seed, 64) for seed in SEEDS])).float()
    ws, tensors = styles(network, z)

    def image(ws, noise="const", **options):
        return network.synthesis(ws, noise_mode=noise, **({"force_fp32": True} | options))

    tensors |= {"z": z} | blocks(network, ws["ws_psi07"])
    tensors["img_psi07_const"] = image(ws["ws_psi07"])
    tensors["img_psi1_const"] = image(ws["ws_psi1"][:2])
    tensors["img_psi07_nonoise"] = image(ws["ws_psi07"][:2], "none")
    tensors["img_psi05_cutoff4"] = image(ws["ws_psi05_cutoff4"][:2])
    tensors["img_unfused"] = image(ws["ws_psi07"][:1], fused_modconv=False)
    tensors["img_fp16_cpu"] = image(ws["ws_psi07"][:1], force_fp32=False)
    mixed = ws["ws_psi07"][2:3].clone()
    mixed[:, :4] = ws["ws_psi07"][3:4, :4]
    tensors["mix_85_265_styles0_3"] = image(mixed)
    # As generate.py saves it.
    levels = (tensors["img_psi07_const"].permute(0, 2, 3, 1) * 127.5 + 128).clamp(0, 255)
    tensors["img_u8"] = levels.to(torch.uint8)
    facts = {
        "seeds": SEEDS,
        "G_kwargs": KWARGS,
        "init_kwargs": KWARGS,
        "noise": "const",
        "force_fp32": True,
        "num_ws": network.num_ws,
        "names": {name: list(x.shape) for name, x in network.state_dict().items()},
        "peer": PEER,
        "versions": files.versions("torch", "numpy"),
    }
    files.save(out, "sg2/sg2_64_outputs", {name: np.asarray(x) for name, x in tensors.items()}, facts)


if __name__ == "__main__":
    interpolations(sys.argv[1])
    sys.path.insert(0, sys.argv[2])
    warnings.filterwarnings("ignore")
    from training import networks

    gray(sys.argv[1], networks)
    outputs(sys.argv[1], networks)

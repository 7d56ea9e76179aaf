"""One small StyleGAN2, as each program saves it, and what every file must give.

    python make.py OUT [GOLDEN...]

Writes OUT/network.safetensors (G_ema and D by the names of NVIDIA's PyTorch code), the same numbers as
OUT/tensorflow.pkl, OUT/genforce.pth, OUT/rosinality.pt and OUT/e4e.pt, and OUT/expected.json: for each GOLDEN, a
checkpoint of rosinality's or NVIDIA's PyTorch code, shape and FNV-1a-64 of every tensor of G_ema and D by NVIDIA's names.
Nothing here uses Dreamwire. Needs torch, numpy, safetensors.
"""

import argparse
import io
import json
import pickle
import re
import struct
import sys
import types
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

RES = [4, 8, 16]
CHANNELS = {4: 6, 8: 5, 16: 4}
WIDTH = 7
LAYERS = 2
RANDOM = np.random.RandomState(7)


def random(*shape):
    """Multiples of 1/256, so that 1 is added and taken away exactly."""
    return (RANDOM.randint(-512, 512, shape) / 256).astype(np.float32)


def resample_filter():
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32)
    return taps / taps.sum()


def generator():
    net = {"mapping.w_avg": random(WIDTH)}
    for i in range(LAYERS):
        net[f"mapping.fc{i}.weight"] = random(WIDTH, WIDTH)
        net[f"mapping.fc{i}.bias"] = random(WIDTH)
    inputs = CHANNELS[4]
    net["synthesis.b4.const"] = random(inputs, 4, 4)
    for res in RES:
        block = f"synthesis.b{res}"
        net[f"{block}.resample_filter"] = resample_filter()
        for conv in ["conv1"] if res == 4 else ["conv0", "conv1"]:
            outputs = CHANNELS[res]
            net[f"{block}.{conv}.weight"] = random(outputs, inputs, 3, 3)
            net[f"{block}.{conv}.bias"] = random(outputs)
            net[f"{block}.{conv}.affine.weight"] = random(inputs, WIDTH)
            net[f"{block}.{conv}.affine.bias"] = random(inputs)
            net[f"{block}.{conv}.noise_const"] = random(res, res)
            net[f"{block}.{conv}.noise_strength"] = random()
            net[f"{block}.{conv}.resample_filter"] = resample_filter()
            inputs = outputs
        net[f"{block}.torgb.weight"] = random(3, inputs, 1, 1)
        net[f"{block}.torgb.bias"] = random(3)
        net[f"{block}.torgb.affine.weight"] = random(inputs, WIDTH)
        net[f"{block}.torgb.affine.bias"] = random(inputs)
    return {name: np.asarray(value, dtype=np.float32) for name, value in net.items()}


def discriminator():
    net = {}
    for res in reversed(RES[1:]):
        inputs, outputs = CHANNELS[res], CHANNELS[res // 2]
        block = f"b{res}"
        net[f"{block}.resample_filter"] = resample_filter()
        layers = [("conv0", (inputs, inputs, 3, 3)), ("conv1", (outputs, inputs, 3, 3)), ("skip", (outputs, inputs, 1, 1))]
        if res == RES[-1]:
            layers.insert(0, ("fromrgb", (inputs, 3, 1, 1)))
        for name, shape in layers:
            net[f"{block}.{name}.weight"] = random(*shape)
            net[f"{block}.{name}.resample_filter"] = resample_filter()
            if name != "skip":
                net[f"{block}.{name}.bias"] = random(shape[0])
    inputs = CHANNELS[4]
    net["b4.conv.weight"], net["b4.conv.bias"] = random(inputs, inputs + 1, 3, 3), random(inputs)
    net["b4.conv.resample_filter"] = resample_filter()
    net["b4.fc.weight"], net["b4.fc.bias"] = random(inputs, inputs * 16), random(inputs)
    net["b4.out.weight"], net["b4.out.bias"] = random(1, inputs), random(1)
    return net


def tensorflow_generator(net):
    """The variables of a network and those of its two components."""
    own, mapping, synthesis = {"lod": np.float32(0), "dlatent_avg": net["mapping.w_avg"]}, {}, {"lod": np.float32(0)}
    for i in range(LAYERS):
        mapping[f"Dense{i}/weight"] = net[f"mapping.fc{i}.weight"].T
        mapping[f"Dense{i}/bias"] = net[f"mapping.fc{i}.bias"]
    synthesis["4x4/Const/const"] = net["synthesis.b4.const"][None]
    for level, res in enumerate(RES):
        layers = {"conv1": "Conv1" if res > 4 else "Conv", "torgb": "ToRGB"} | ({"conv0": "Conv0_up"} if res > 4 else {})
        for name, called in layers.items():
            layer, var = f"synthesis.b{res}.{name}", f"{res}x{res}/{called}"
            kernel = net[f"{layer}.weight"].transpose(2, 3, 1, 0)
            synthesis[f"{var}/weight"] = kernel[::-1, ::-1] if name == "conv0" else kernel
            synthesis[f"{var}/bias"] = net[f"{layer}.bias"]
            synthesis[f"{var}/mod_weight"] = net[f"{layer}.affine.weight"].T
            synthesis[f"{var}/mod_bias"] = net[f"{layer}.affine.bias"] - 1
            if name != "torgb":
                synthesis[f"{var}/noise_strength"] = net[f"{layer}.noise_strength"][()]
                number = 2 * level - (1 if name == "conv0" else 0)
                synthesis[f"noise{number}"] = net[f"{layer}.noise_const"][None, None]
    return own, mapping, synthesis


def tensorflow_discriminator(net):
    variables = {"lod": np.float32(0)}
    for name, value in net.items():
        block, layer, kind = name.rsplit(".", 2) if name.count(".") == 2 else (name.split(".")[0], "", "")
        if kind not in ("weight", "bias"):
            continue
        res = int(block[1:])
        scope = f"{res}x{res}/"
        called = {"fromrgb": "FromRGB", "conv0": "Conv0", "conv1": "Conv1_down", "skip": "Skip", "conv": "Conv", "fc": "Dense0"}
        var = "Output" if layer == "out" else scope + called[layer]
        if kind == "weight":
            value = value.T if value.ndim == 2 else value.transpose(2, 3, 1, 0)
        variables[f"{var}/{kind}"] = value
    return variables


def tensorflow(g, d):
    module = types.ModuleType("dnnlib.tflib.network")
    Network = type("Network", (), {"__module__": "dnnlib.tflib.network", "__getstate__": lambda self: self.state})
    module.Network = Network
    for name in ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network"):
        sys.modules[name] = module if name.endswith("network") else types.ModuleType(name)

    def network(name, variables, components=None, **kwargs):
        made = Network()
        made.state = {
            "version": 4,
            "name": name,
            "static_kwargs": kwargs,
            "components": components or {},
            "build_module_src": "the source text that such files embed",
            "build_func_name": "G_main",
            "variables": [(key, np.ascontiguousarray(value) if np.ndim(value) else value) for key, value in variables.items()],
        }
        return made

    def whole(name):
        own, mapping, synthesis = tensorflow_generator(g)
        parts = {"synthesis": network("G_synthesis", synthesis), "mapping": network("G_mapping", mapping)}
        kwargs = dict(num_channels=3, resolution=16, label_size=0, fmap_base=32, fmap_max=8, resample_kernel=[1, 3, 3, 1])
        return network(name, own, parts, mapping_lrmul=0.01, **kwargs)

    judge = network("D", tensorflow_discriminator(d), num_channels=3, resolution=16, mbstd_group_size=4)
    return pickle.dumps((whole("G"), judge, whole("Gs")), protocol=3)


def torch_tensors(named):
    return {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in named.items()}


def genforce(g, d):
    gen, dis = {"truncation.w_avg": g["mapping.w_avg"], "synthesis.early_layer.const": g["synthesis.b4.const"][None]}, {}
    for i in range(LAYERS):
        for kind in ("weight", "bias"):
            gen[f"mapping.dense{i}.{kind}"] = g[f"mapping.fc{i}.{kind}"]
    gen["synthesis.upsample.kernel"] = 4 * resample_filter()[None, None]
    for level, res in enumerate(RES):
        for name, called in [("conv0", f"layer{2 * level - 1}"), ("conv1", f"layer{2 * level}"), ("torgb", f"output{level}")]:
            layer, var = f"synthesis.b{res}.{name}", f"synthesis.{called}"
            if f"{layer}.weight" not in g:
                continue
            weight = g[f"{layer}.weight"]
            gen[f"{var}.weight"] = weight[:, :, ::-1, ::-1] if name == "conv0" else weight
            gen[f"{var}.bias"] = g[f"{layer}.bias"]
            gen[f"{var}.style.weight"] = g[f"{layer}.affine.weight"]
            gen[f"{var}.style.bias"] = g[f"{layer}.affine.bias"] - 1
            if name != "torgb":
                gen[f"{var}.noise"] = g[f"{layer}.noise_const"][None, None]
                gen[f"{var}.noise_strength"] = g[f"{layer}.noise_strength"]
            if name == "conv0":
                gen[f"{var}.filter.kernel"] = 4 * resample_filter()[None, None]
    for level, res in enumerate(reversed(RES)):
        names = [("fromrgb", f"input{level}"), ("conv0", f"layer{2 * level}"), ("conv1", f"layer{2 * level + 1}")]
        names += [("skip", f"skip_layer{level}"), ("conv", f"layer{2 * level}"), ("fc", f"layer{2 * level + 1}")]
        for name, called in names + [("out", f"layer{2 * level + 2}")]:
            for kind in ("weight", "bias"):
                if f"b{res}.{name}.{kind}" in d:
                    dis[f"{called}.{kind}"] = d[f"b{res}.{name}.{kind}"]
            if name in ("conv1", "skip") and f"b{res}.{name}.weight" in d:
                dis[f"{called}.filter.kernel"] = resample_filter()[None, None]
    parts = {"generator": gen, "discriminator": dis, "generator_smooth": gen}
    return {part: torch_tensors(named) for part, named in parts.items()}


def rosinality_generator(g):
    gen = {"input.input": g["synthesis.b4.const"][None]}
    for i in range(LAYERS):
        for kind in ("weight", "bias"):
            gen[f"style.{i + 1}.{kind}"] = g[f"mapping.fc{i}.{kind}"]
    for level, res in enumerate(RES):
        convs = {"conv1": "conv1"} if res == 4 else {"conv0": f"convs.{2 * level - 2}", "conv1": f"convs.{2 * level - 1}"}
        rgb = "to_rgb1" if res == 4 else f"to_rgbs.{level - 1}"
        for name, called in (convs | {"torgb": rgb}).items():
            layer = f"synthesis.b{res}.{name}"
            gen[f"{called}.conv.weight"] = g[f"{layer}.weight"][None]
            for kind in ("weight", "bias"):
                gen[f"{called}.conv.modulation.{kind}"] = g[f"{layer}.affine.{kind}"]
            if name == "torgb":
                gen[f"{called}.bias"] = g[f"{layer}.bias"].reshape(1, -1, 1, 1)
                if res > 4:
                    gen[f"{called}.upsample.kernel"] = 4 * resample_filter()
                continue
            gen[f"{called}.activate.bias"] = g[f"{layer}.bias"]
            gen[f"{called}.noise.weight"] = g[f"{layer}.noise_strength"].reshape(1)
            number = 2 * level - (1 if name == "conv0" else 0)
            gen[f"noises.noise_{number}"] = g[f"{layer}.noise_const"][None, None]
            if name == "conv0":
                gen[f"{called}.conv.blur.kernel"] = 4 * resample_filter()
    return gen


def rosinality_discriminator(d):
    dis = {"convs.0.0.weight": d["b16.fromrgb.weight"], "convs.0.1.bias": d["b16.fromrgb.bias"]}
    for index, res in enumerate(reversed(RES[1:]), start=1):
        block = f"convs.{index}"
        dis[f"{block}.conv1.0.weight"], dis[f"{block}.conv1.1.bias"] = d[f"b{res}.conv0.weight"], d[f"b{res}.conv0.bias"]
        dis[f"{block}.conv2.1.weight"], dis[f"{block}.conv2.2.bias"] = d[f"b{res}.conv1.weight"], d[f"b{res}.conv1.bias"]
        dis[f"{block}.skip.1.weight"] = d[f"b{res}.skip.weight"]
        dis[f"{block}.conv2.0.kernel"] = dis[f"{block}.skip.0.kernel"] = resample_filter()
    dis["final_conv.0.weight"], dis["final_conv.1.bias"] = d["b4.conv.weight"], d["b4.conv.bias"]
    for index, name in enumerate(("fc", "out")):
        for kind in ("weight", "bias"):
            dis[f"final_linear.{index}.{kind}"] = d[f"b4.{name}.{kind}"]
    return dis


# From files of rosinality back to NVIDIA's names, for the goldens.


def from_rosinality_g(sd, average):
    net = {}
    for name, value in sd.items():
        value = np.asarray(value)
        if match := re.fullmatch(r"style\.(\d+)\.(\w+)", name):
            net[f"mapping.fc{int(match[1]) - 1}.{match[2]}"] = value
        elif name == "input.input":
            net["synthesis.b4.const"] = value[0]
        elif match := re.fullmatch(r"noises\.noise_(\d+)", name):
            k = int(match[1])
            res = 4 << ((k + 1) // 2)
            net[f"synthesis.b{res}.conv{1 - k % 2}.noise_const"] = value[0, 0]
        else:
            if match := re.match(r"(to_rgb1|conv1)\.", name):
                layer = "synthesis.b4." + {"to_rgb1": "torgb", "conv1": "conv1"}[match[1]]
            elif match := re.match(r"to_rgbs\.(\d+)\.", name):
                layer = f"synthesis.b{8 << int(match[1])}.torgb"
            else:
                match = re.match(r"convs\.(\d+)\.", name)
                k = int(match[1])
                layer = f"synthesis.b{8 << (k // 2)}.conv{k % 2}"
            rest = name[match.end():]
            if rest == "upsample.kernel":
                net[layer.rsplit(".", 1)[0] + ".resample_filter"] = value / 4
            elif rest == "conv.blur.kernel":
                net[f"{layer}.resample_filter"] = value / 4
            else:
                end, shape = {
                    "conv.weight": ("weight", value.shape[1:]),
                    "conv.modulation.weight": ("affine.weight", value.shape),
                    "conv.modulation.bias": ("affine.bias", value.shape),
                    "noise.weight": ("noise_strength", ()),
                    "activate.bias": ("bias", value.shape),
                    "bias": ("bias", (-1,)),
                }[rest]
                net[f"{layer}.{end}"] = value.reshape(shape)
    if average is not None:
        net["mapping.w_avg"] = np.asarray(average).reshape(-1)
    filters = net["synthesis.b8.resample_filter"]
    for name in list(net):
        if match := re.fullmatch(r"(synthesis\.b\d+)\.(conv\d)\.weight", name):
            net.setdefault(f"{match[1]}.{match[2]}.resample_filter", filters)
            net.setdefault(f"{match[1]}.resample_filter", filters)
    return net


def from_rosinality_d(sd):
    count = 1 + max(int(name.split(".")[1]) for name in sd if name.startswith("convs."))
    net = {}
    ends = {"conv1.0.weight": "conv0.weight", "conv1.1.bias": "conv0.bias", "conv2.0.kernel": "conv1.resample_filter",
            "conv2.1.weight": "conv1.weight", "conv2.2.bias": "conv1.bias", "skip.0.kernel": "skip.resample_filter",
            "skip.1.weight": "skip.weight"}
    top = 4 << (count - 1)
    fixed = {"convs.0.0.weight": f"b{top}.fromrgb.weight", "convs.0.1.bias": f"b{top}.fromrgb.bias",
             "final_conv.0.weight": "b4.conv.weight", "final_conv.1.bias": "b4.conv.bias",
             "final_linear.0.weight": "b4.fc.weight", "final_linear.0.bias": "b4.fc.bias",
             "final_linear.1.weight": "b4.out.weight", "final_linear.1.bias": "b4.out.bias"}
    for name, value in sd.items():
        if name in fixed:
            net[fixed[name]] = np.asarray(value)
        else:
            _, index, rest = name.split(".", 2)
            net[f"b{top >> (int(index) - 1)}.{ends[rest]}"] = np.asarray(value)
    filters = net[f"b{top}.conv1.resample_filter"]
    for name in list(net):
        if match := re.fullmatch(r"(b\d+)\.(fromrgb|conv0|conv1|skip|conv)\.weight", name):
            net.setdefault(f"{match[1]}.{match[2]}.resample_filter", filters)
            if match[1] != "b4":
                net.setdefault(f"{match[1]}.resample_filter", filters)
    return net


class Anything:
    """A class of NVIDIA's code or Python's that a pickle names."""

    def __init__(self, *args, **kwargs):
        self.args = args

    def __setstate__(self, state):
        self.state = state


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if name == "_reconstruct_persistent_obj":
            return lambda meta: ("network", meta)
        if name == "EasyDict":
            return type("EasyDict", (dict,), {})
        if module.startswith(("torch", "numpy", "collections", "_codecs")) or (module, name) == ("builtins", "set"):
            return super().find_class(module, name)
        return type(name, (Anything,), {})


def module_tensors(found, prefix=""):
    state = found[1]["state"]
    tensors = {prefix + key: value for part in ("_parameters", "_buffers") for key, value in state[part].items() if value is not None}
    for key, below in state["_modules"].items():
        tensors |= module_tensors(below, f"{prefix}{key}.")
    return tensors


def fnv(value):
    state = 0xCBF29CE484222325
    for byte in np.ascontiguousarray(value, dtype="<f4").tobytes():
        state = ((state ^ byte) * 0x100000001B3) % 2**64
    return f"{state:016x}"


def golden(path):
    if path.suffix == ".pkl":
        file = Reader(io.BytesIO(path.read_bytes())).load()
        parts = {part: {k: v.detach().numpy() for k, v in module_tensors(file[part]).items()} for part in ("G_ema", "D")}
    else:
        file = torch.load(path, map_location="cpu", weights_only=False)
        parts = {"g_ema": from_rosinality_g(file["g_ema"], file.get("latent_avg"))}
        if "d" in file:
            parts["d"] = from_rosinality_d(file["d"])
    return {part: {k: [list(np.shape(v)), fnv(v)] for k, v in sorted(net.items())} for part, net in parts.items()}


def main():
    out, goldens = Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]]
    out.mkdir(parents=True, exist_ok=True)
    g, d = generator(), discriminator()
    save_file({f"G_ema.{k}": v for k, v in g.items()} | {f"D.{k}": v for k, v in d.items()}, out / "network.safetensors")
    (out / "tensorflow.pkl").write_bytes(tensorflow(g, d))
    torch.save(genforce(g, d), out / "genforce.pth")
    gen, dis = torch_tensors(rosinality_generator(g)), torch_tensors(rosinality_discriminator(d))
    average = torch.from_numpy(g["mapping.w_avg"])
    args = argparse.Namespace(size=16, latent=WIDTH, n_mlp=LAYERS)
    torch.save({"g": gen, "d": dis, "g_ema": gen, "latent_avg": average, "args": args}, out / "rosinality.pt")
    encoder = {"encoder.input_layer.0.weight": torch.zeros(2, 3, 3, 3)}
    state = encoder | {f"decoder.{name}": value for name, value in gen.items()}
    torch.save({"state_dict": state, "latent_avg": average.repeat(6, 1), "opts": {"stylegan_size": 16}}, out / "e4e.pt")
    expected = {path.name: golden(path) for path in goldens}
    (out / "expected.json").write_text(json.dumps(expected, indent=0) + "\n")


main()

#!/usr/bin/env python3
"""Runs Dreamwire and PyTorch on the same networks, alternately, and prints how they compare.

    cargo build --release
    python3 benches/compare_torch.py --threads 2

Needs numpy and torch, which it does not install. Every measurement is a process of its own that warms up and repeats a
few times, so that neither side finds the other's caches and each has its own peak memory. docs/benchmarks.md has how to
read the result.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
except ImportError:
    sys.exit("numpy is missing; install it for this python (nothing is installed here): python3 -m pip install numpy")

sys.dont_write_bytecode = True
import tensors_file

HERE = Path(__file__).resolve().parent
TORCH = HERE / "torch_networks.py"
LAYOUTS = ["contiguous", "channels_last"]
# name: network, size, with gradient
CASES = {
    "vgg16-224": ("vgg16", 224, False),
    "vgg16-224-backward": ("vgg16", 224, True),
    "vgg16-512": ("vgg16", 512, False),
    "vgg16-512-backward": ("vgg16", 512, True),
    "vgg16-1024": ("vgg16", 1024, False),
    "vgg16-1024-backward": ("vgg16", 1024, True),
    "stylegan1-256": ("stylegan1", 256, False),
    "stylegan1-256-backward": ("stylegan1", 256, True),
    "stylegan2-256": ("stylegan2", 256, False),
    "stylegan2-1024": ("stylegan2", 1024, False),
    "stylegan2-256-backward": ("stylegan2", 256, True),
    "stylegan3-t-256": ("stylegan3-t", 256, False),
    "stylegan3-t-256-backward": ("stylegan3-t", 256, True),
    "stylegan3-r-256": ("stylegan3-r", 256, False),
    "adain-512": ("adain", 512, False),
    "dream-512": ("dream", 512, True),
}
STEPS = 20
# Outputs that differ more are not the same sums: the largest deviation, in units of the largest value.
LARGEST_ERROR = 1e-3
# Gradients that differ more are not those of the same function. Near-ties of ReLUs and pools fall either way.
SMALLEST_COSINE = 0.99


def main():
    args = arguments()
    torch = about_torch(args)
    machine = {
        "device": torch["device"],
        "cpu": cpu(),
        "threads": args.threads,
        "torch": torch["version"],
        "torch_capability": torch["capability"],
        "torch_rss_mb": torch["peak_rss_mb"],
        "load_before": os.getloadavg(),
    }
    if args.peak:
        machine["peak_gflops"] = args.peak
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.cases:
            print(f"{name} ...", file=sys.stderr, flush=True)
            results.append(measured(name, args, Path(folder)))
    machine["load_after"] = os.getloadavg()
    machine["simd"] = results[0]["ours"]["simd"]
    print(table(results, args))
    print(footer(machine, args))
    if args.json:
        Path(args.json).write_text(json.dumps({"machine": machine, "cases": results}, indent=1) + "\n")
    wrong = [result["case"] for result in results if not result["agrees"]]
    if wrong:
        sys.exit(f"the two sides do not compute the same: {', '.join(wrong)}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or metal, for both sides [%(default)s]")
    parser.add_argument("--cases", default=",".join(CASES), help="a list with commas of: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="how often the sides alternate [%(default)s]")
    parser.add_argument("--repeat", type=int, default=3, help="timed repetitions per process [%(default)s]")
    parser.add_argument("--warmup", type=int, default=1, help="repetitions before them [%(default)s]")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="[%(default)s]")
    parser.add_argument("--candle", action="store_true", help="also VGG16 with candle's own operators (slow)")
    parser.add_argument("--peak", type=float, help="GFLOP/s of f32 that these threads can do together")
    parser.add_argument("--program", default=HERE.parent / "target/release/dreamwire-bench", help="[%(default)s]")
    parser.add_argument("--json", help="a file for the numbers")
    args = parser.parse_args()
    args.cases = [name.strip() for name in args.cases.split(",") if name.strip()]
    unknown = [name for name in args.cases if name not in CASES]
    if unknown or not args.cases:
        parser.error(f"--cases: found {unknown}, expected some of {', '.join(CASES)}")
    if min(args.rounds, args.repeat, args.threads) < 1:
        parser.error("--rounds, --repeat and --threads should be at least 1")
    if not Path(args.program).is_file():
        parser.error(f"there is no {args.program}; build it with `cargo build --release`, or name it with --program")
    return args


def theirs_of(device):
    """The device's name in PyTorch."""
    return "mps" if device == "metal" else device


def about_torch(args):
    about = [sys.executable, "-B", TORCH, "about", "--device", theirs_of(args.device)]
    done = subprocess.run(about, capture_output=True, text=True)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:]
        sys.exit(
            f"PyTorch does not work in {sys.executable} on {args.device}: {''.join(why)}\n"
            "install it there yourself (nothing is installed here), see https://pytorch.org/get-started/locally"
        )
    return json.loads(done.stdout)


def measured(name, args, folder):
    """All rounds of one case."""
    network, size, backward = CASES[name]
    weights, inputs = folder / "weights", folder / "inputs"
    tensors_file.write(weights, random_weights(network, size))
    tensors_file.write(inputs, random_inputs(network, size))
    files = ["--weights", weights, "--input", inputs]
    common = ["--size", size, "--threads", args.threads]
    # The two configurations are one program each.
    network = network.removesuffix("-t").removesuffix("-r")
    is_dream = network == "dream"
    # A dream is a whole process: what a user waits for. Its first round fills the system's caches and is not counted.
    repeats = ["--repeat", 1, "--warmup", 0] if is_dream else ["--repeat", args.repeat, "--warmup", args.warmup]
    gradient = ["--backward"] if backward and not is_dream else []
    ours = [args.program, network, *common, *repeats, *gradient, "--json", "--device", args.device]
    ours += ["--steps", STEPS] if is_dream else files
    if args.peak:
        ours += ["--peak", args.peak]
    theirs = [sys.executable, "-B", TORCH, network, *common, *repeats, *files, "--device", theirs_of(args.device)]
    theirs += ["--steps", STEPS] if is_dream else gradient
    sides = {"ours": ours}
    for layout in LAYOUTS:
        sides[layout] = [*theirs, "--layout", layout]
        if network == "stylegan1":
            sides[f"{layout}, all fused"] = [*sides[layout], "--fused", "all"]
        if network == "stylegan2":
            sides[f"{layout}, styles on weights"] = [*sides[layout], "--modulate", "weights"]
    if args.candle and network == "vgg16":
        sides["candle"] = [args.program, network, *common, *gradient, *files, "--json", "--engine", "candle"]
        sides["candle"] += ["--repeat", 1, "--warmup", 0, "--device", args.device]

    runs = {side: [] for side in sides}
    for number in range(args.rounds + is_dream):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for side in order:
            output = ["--output", folder / side] if number == 0 and not is_dream else []
            runs[side].append(run([*sides[side], *output], args.threads))
    result = {"case": name, **{side: combined(all_[is_dream:]) for side, all_ in runs.items()}}
    layouts = [side for side in sides if side not in ("ours", "candle")]
    best = min(layouts, key=lambda side: result[side]["median_ms"])
    result["torch"] = best
    result["ratio"] = result[best]["median_ms"] / result["ours"]["median_ms"]
    if "candle" in result:
        result["candle_ratio"] = result["candle"]["median_ms"] / result["ours"]["median_ms"]
    if is_dream:
        # torch has no plugins and reads no graph, so only the climb itself is compared.
        result["agreement"], result["agrees"] = "time only", True
    else:
        result["agreement"], result["agrees"] = agreement(folder / "ours", folder / best, backward)
    return result


def run(command, threads):
    """The JSON of one process."""
    # candle's matrix products read the variable.
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
    command = [str(part) for part in command]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    process_ms = (time.perf_counter() - start) * 1e3
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr.strip()}")
    return {"process_ms": process_ms, **json.loads(done.stdout.strip().splitlines()[-1])}


def combined(runs):
    """The numbers of all rounds of one side."""
    # Of a dream the climb: that a process of Python starts slowly says nothing about it. The whole is kept beside it.
    numbers = summary([one for run in runs for one in run.get("step_ms", run["times_ms"])])
    # Ours starts the program that it measures, and says how long that took.
    numbers["process"] = summary([run["times_ms"][0] if "step_ms" in run else run["process_ms"] for run in runs])
    numbers["peak_rss_mb"] = max((run["peak_rss_mb"] for run in runs if run["peak_rss_mb"]), default=None)
    numbers.update({key: runs[0][key] for key in ("simd", "gflop") if key in runs[0]})
    if runs[0].get("f4_percent") is not None:
        numbers["f4_percent"] = statistics.median(run["f4_percent"] for run in runs)
    return numbers


def summary(times):
    return {"times_ms": times, "median_ms": statistics.median(times), "min_ms": min(times), "max_ms": max(times)}


def agreement(ours, theirs, is_gradient):
    """How far the results are apart, in words, and whether that is close enough."""
    a, b = [tensors_file.read(file)["result"].astype(np.float64).ravel() for file in (ours, theirs)]
    if a.shape != b.shape:
        return f"{a.size} numbers instead of {b.size}", False
    if is_gradient:
        cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
        l2 = float(np.linalg.norm(a - b) / np.linalg.norm(b))
        return f"l2 {l2:.1e}, cosine {cosine:.6f}", cosine > SMALLEST_COSINE
    error = float(np.abs(a - b).max() / np.abs(b).max())
    return f"max {error:.1e}", error < LARGEST_ERROR


def random_weights(network, size):
    rng = np.random.default_rng(0)
    if network == "stylegan1":
        return stylegan1_weights(rng, size)
    if network == "stylegan2":
        return stylegan_weights(rng, size)
    if network.startswith("stylegan3"):
        return stylegan3_weights(rng, size, network.endswith("-r"))
    # He et al.: activations keep their size. Names and numbers of torchvision.
    channels = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512]
    pairs, index, inputs = {}, 0, 3
    for outputs in channels:
        if outputs:
            pairs[f"features.{index}"] = (outputs, inputs)
            inputs = outputs
        index += 2 if outputs else 1
    if network == "adain":
        decoder = [(128, 256), (128, 128), (64, 128), (64, 64), (3, 64)]
        pairs |= {f"decoder.{index}": pair for index, pair in enumerate(decoder)}
    tensors = {}
    for name, (outputs, inputs) in pairs.items():
        tensors[f"{name}.weight"] = rng.standard_normal((outputs, inputs, 3, 3)) * (2 / 9 / inputs) ** 0.5
        tensors[f"{name}.bias"] = rng.uniform(-0.1, 0.1, outputs)
    if network == "adain":
        # The last layer paints a picture in 0..1 and has no ReLU behind it.
        tensors["decoder.4.weight"] *= 0.1
        tensors["decoder.4.bias"] += 0.5
    return tensors


def stylegan1_weights(rng, size):
    """The first StyleGAN with the released widths, by the names of style-based-gan-pytorch."""
    normal = rng.standard_normal
    blur = np.outer([1, 2, 1], [1, 2, 1]) / 16
    tensors, inputs = {}, 512
    for index in range(1, 16, 2):
        tensors[f"style.{index}.linear.weight_orig"] = normal((512, 512))
        tensors[f"style.{index}.linear.bias"] = np.zeros(512)
    for index in range(size.bit_length() - 2):
        resolution = 4 << index
        block, outputs = f"generator.progression.{index}", min(512, 16384 // resolution)
        convolutions = [("conv2.conv.weight_orig", "conv2.conv.bias", (outputs, outputs, 3, 3))]
        if index == 0:
            tensors[f"{block}.conv1.input"] = normal((1, outputs, 4, 4))
        elif resolution < 128:
            convolutions.append(("conv1.1.conv.weight_orig", "conv1.1.conv.bias", (outputs, inputs, 3, 3)))
            tensors[f"{block}.conv1.2.weight"] = np.tile(blur, (outputs, 1, 1, 1))
        else:
            convolutions.append(("conv1.0.weight", "conv1.0.bias", (inputs, outputs, 3, 3)))
            tensors[f"{block}.conv1.1.weight"] = np.tile(blur, (outputs, 1, 1, 1))
        for weight, bias, shape in convolutions:
            tensors[f"{block}.{weight}"] = normal(shape)
            tensors[f"{block}.{bias}"] = normal(outputs) * 0.1
        for layer in (1, 2):
            # Both sides multiply by sqrt(2 / outputs): a strength of about 0.1.
            tensors[f"{block}.noise{layer}.weight_orig"] = normal((1, outputs, 1, 1)) * 0.1 * (outputs / 2) ** 0.5
            style = f"{block}.adain{layer}.style.linear"
            tensors[f"{style}.weight_orig"] = normal((2 * outputs, 512)) * 0.5
            tensors[f"{style}.bias"] = np.repeat([1.0, 0.0], outputs)
        tensors[f"generator.to_rgb.{index}.conv.weight_orig"] = normal((3, outputs, 1, 1))
        tensors[f"generator.to_rgb.{index}.conv.bias"] = normal(3) * 0.1
        inputs = outputs
    return tensors


def stylegan_weights(rng, size):
    """config-f, by the names of stylegan2-ada-pytorch."""
    normal = rng.standard_normal
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    tensors = {"mapping.w_avg": np.zeros(512), "synthesis.b4.const": normal((512, 4, 4))}
    for index in range(8):
        tensors[f"mapping.fc{index}.weight"] = normal((512, 512))
        tensors[f"mapping.fc{index}.bias"] = np.zeros(512)

    def add(layer, outputs, inputs, kernel):
        tensors[f"{layer}.weight"] = normal((outputs, inputs, kernel, kernel))
        tensors[f"{layer}.bias"] = normal(outputs) * 0.1
        tensors[f"{layer}.affine.weight"] = normal((inputs, 512))
        tensors[f"{layer}.affine.bias"] = np.ones(inputs)

    inputs, resolution = 512, 4
    while resolution <= size:
        block, outputs = f"synthesis.b{resolution}", min(512, 32768 // resolution)
        for name in ("conv0", "conv1") if resolution > 4 else ("conv1",):
            add(f"{block}.{name}", outputs, inputs, 3)
            tensors[f"{block}.{name}.noise_const"] = normal((resolution, resolution))
            tensors[f"{block}.{name}.noise_strength"] = np.array(0.1)
            if name == "conv0":
                tensors[f"{block}.{name}.resample_filter"] = taps
            inputs = outputs
        add(f"{block}.torgb", 3, outputs, 1)
        if resolution > 4:
            tensors[f"{block}.resample_filter"] = taps
        resolution *= 2
    return tensors


def stylegan3_weights(rng, size, is_radial):
    """The released configurations T and R, by the names of stylegan3; the filters are only as long as theirs."""
    normal, layers = rng.standard_normal, 14
    base, most, kernel = (65536, 1024, 1) if is_radial else (32768, 512, 3)
    grown = np.minimum(np.arange(layers + 1) / (layers - 2), 1)
    cutoffs, stopbands = 2 * (size / 4) ** grown, 2**2.1 * (size / 2 * 2**0.3 / 2**2.1) ** grown
    rates = np.exp2(np.ceil(np.log2(np.minimum(2 * stopbands, size)))).astype(int)
    sizes = [*(rates[:-2] + 20), size, size]
    channels = [*np.rint(np.minimum(base / 2 / cutoffs, most)).astype(int)[:-1], 3]
    tensors = {"mapping.w_avg": np.zeros(512)}
    for index in range(2):
        tensors[f"mapping.fc{index}.weight"] = normal((512, 512))
        tensors[f"mapping.fc{index}.bias"] = np.zeros(512)
    name = "synthesis.input"
    tensors[f"{name}.weight"] = normal((channels[0], channels[0]))
    tensors[f"{name}.freqs"] = rng.uniform(-1.5, 1.5, (channels[0], 2))
    tensors[f"{name}.phases"] = rng.uniform(-0.5, 0.5, channels[0])
    tensors[f"{name}.transform"] = np.eye(3)
    tensors[f"{name}.affine.weight"] = normal((4, 512)) * 0.1
    tensors[f"{name}.affine.bias"] = np.array([1.0, 0, 0, 0])
    for index in range(layers + 1):
        name = f"synthesis.L{index}_{sizes[index]}_{channels[index]}"
        before, is_last = max(index - 1, 0), index == layers
        inputs, outputs, side = channels[before], channels[index], 1 if is_last else kernel
        tensors[f"{name}.weight"] = normal((outputs, inputs, side, side))
        tensors[f"{name}.bias"] = normal(outputs) * 0.1
        tensors[f"{name}.affine.weight"] = normal((inputs, 512))
        tensors[f"{name}.affine.bias"] = np.ones(inputs)
        tensors[f"{name}.magnitude_ema"] = np.array(1.0)
        if is_last:
            break
        rate = 2 * max(rates[before], rates[index])
        window = [np.hanning(6 * rate // other + 2)[1:-1] for other in (rates[before], rates[index])]
        up, down = (taps / taps.sum() for taps in window)
        # Radial, as theirs but for the last two: such a filter is no product.
        if is_radial and index < layers - 2:
            at = np.arange(len(down)) - (len(down) - 1) / 2
            down = np.maximum(np.cos(np.hypot(*np.meshgrid(at, at)) / len(down) * np.pi), 0)
            down /= down.sum()
        tensors[f"{name}.up_filter"], tensors[f"{name}.down_filter"] = up, down
    return tensors


def random_inputs(network, size):
    rng = np.random.default_rng(1)
    if network == "vgg16":
        return {"x": rng.uniform(-2, 2, (1, 3, size, size))}
    if network == "stylegan1":
        blocks = size.bit_length() - 2
        planes = {f"noise_{index}": rng.standard_normal((1, 1, 4 << index, 4 << index)) for index in range(blocks)}
        return {"w": rng.standard_normal((1, 2 * blocks, 512)), **planes}
    if network == "stylegan2":
        return {"w": rng.standard_normal((1, 2 * size.bit_length() - 4, 512))}
    if network.startswith("stylegan3"):
        return {"w": rng.standard_normal((1, 16, 512))}
    shape = (1, size, size, 3)
    if network == "dream":
        return {"picture": np.clip(rng.normal(0.5, 0.15, shape), 0, 1)}
    return {"content": rng.uniform(0, 1, shape), "style": rng.uniform(0, 1, shape)}


def table(results, args):
    head = ["case", "Dreamwire ms", "PyTorch ms", "layout", "ratio"]
    head += ["candle ms", "ratio"] if args.candle else []
    head += ["% of F4 bound"] if args.peak else []
    head += ["peak MB, Dreamwire / PyTorch", "agreement"]
    lines = [head, ["---"] * len(head)]
    for result in results:
        ours, torch = result["ours"], result[result["torch"]]
        line = [result["case"], spread(ours), spread(torch), result["torch"], f"{result['ratio']:.2f}"]
        if args.candle:
            has = "candle" in result
            line += [spread(result["candle"]), f"{result['candle_ratio']:.1f}"] if has else ["-", "-"]
        line += [f"{ours['f4_percent']:.0f}"] if args.peak else []
        peaks = ["-" if side["peak_rss_mb"] is None else f"{side['peak_rss_mb']:.0f}" for side in (ours, torch)]
        lines.append([*line, " / ".join(peaks), result["agreement"]])
        if result["case"].startswith("dream"):
            whole = [ours["process"], torch["process"]]
            ratio = f"{whole[1]['median_ms'] / whole[0]['median_ms']:.2f}"
            line = [f"{result['case']}, whole process", *map(spread, whole), result["torch"], ratio]
            lines.append(line + [""] * (len(head) - len(line)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(side):
    digits = 0 if side["median_ms"] >= 50 else 2
    return "{:.{d}f} ({:.{d}f}-{:.{d}f})".format(side["median_ms"], side["min_ms"], side["max_ms"], d=digits)


def footer(machine, args):
    load = [" ".join(f"{value:.2f}" for value in machine[key]) for key in ("load_before", "load_after")]
    memory = f", {machine['torch_rss_mb']:.0f} MB as soon as it is imported" if machine["torch_rss_mb"] else ""
    where = "" if machine["device"] == "cpu" else f"{machine['device']}; "
    return (
        f"\n{where}{machine['cpu']}, {args.threads} threads, {machine['simd']} here; torch {machine['torch']} with "
        f"{machine['torch_capability']}{memory}. Load average before: {load[0]}, after: {load[1]}. Median (min-max) of "
        f"{args.rounds} rounds of {args.repeat}, alternately."
    )


def cpu():
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()

"""portable_weights_selftest and seeds_randn: numbers that follow from names and seeds alone.

    python seeds.py OUT
"""

import sys

import numpy as np

import files
import portable

SEEDS = [0, 1, 42, 85, 123, 265, 600, 2**32 - 1]


def selftest(out):
    tensors = {
        "a": portable.uniform("features.0.weight", 16),
        "b": portable.tensor("features.0.weight", (64, 3, 3, 3)).reshape(-1)[:64],
        "c": portable.tensor("features.0.bias", (64,)),
        "d": portable.tensor("bn.running_var", (8,)),
        "e": portable.tensor("bn.weight", (8,)),
        "f": portable.tensor("bn.running_mean", (8,)),
    }
    facts = {
        "fnv1a64_features_0_weight": hex(portable.fnv1a64("features.0.weight")),
        "salt": hex(portable.SALT),
        "doc": portable.__doc__,
    }
    files.save(out, "portable_weights_selftest", tensors, facts)


def randn(out):
    tensors = {f"seed_{seed}_f64": np.random.RandomState(seed).randn(1, 512) for seed in SEEDS}
    tensors["uniform_seed_0_f64"] = np.random.RandomState(0).random_sample(16)
    tensors["randint_seed_303"] = np.random.RandomState(303).randint(0, 1000, 16)
    facts = {
        "note": "numpy.random.RandomState(seed).randn(1,512), float64; NVIDIA casts to f32 in the mapping network",
        "seeds": SEEDS,
    }
    files.save(out, "seeds_randn", tensors, facts)


if __name__ == "__main__":
    selftest(sys.argv[1])
    randn(sys.argv[1])

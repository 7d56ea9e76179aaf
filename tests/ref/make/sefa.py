"""sg2/sg2_64_sefa: directions in W by closed-form factorisation (Shen and Zhou, arXiv:2007.06600).

    python sefa.py OUT

Needs numpy alone. The network's tensors come from the committed sg2/sg2_64_tensors; all is computed in f64.
"""

import sys

import numpy as np

import files

LAYERS = [
    "b4.conv1",
    "b8.conv0",
    "b8.conv1",
    "b16.conv0",
    "b16.conv1",
    "b32.conv0",
    "b32.conv1",
    "b64.conv0",
    "b64.conv1",
    "b64.torgb",
]


def directions(weights, layers):
    """Eigenvalues, largest first, and eigenvectors in rows, whose largest component is positive."""
    rows = np.concatenate([weights[layer].astype(np.float64) for layer in layers])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(rows.T @ rows)
    vectors = vectors.T[::-1]
    largest = np.abs(vectors).argmax(1)
    signs = np.sign(vectors[np.arange(len(vectors)), largest])
    return values[::-1].astype(np.float32), (vectors * signs[:, None]).astype(np.float32)


def main(out):
    tensors = files.committed("sg2/sg2_64_tensors")
    weights = {layer: tensors[f"G_ema.synthesis.{layer}.affine.weight"] for layer in LAYERS}
    made = {}
    for name, layers in (("all", LAYERS), ("layers4_7", LAYERS[4:8])):
        values, vectors = directions(weights, layers)
        made |= {f"{name}.eigenvalues": values, f"{name}.eigenvectors": np.ascontiguousarray(vectors[:16])}
    facts = {
        "layers": LAYERS,
        "note": "eigenvectors of the sum of A^T A over the layers, each row of A scaled to length 1; 16 of 64 of them",
    }
    files.save(out, "sg2/sg2_64_sefa", made, facts)


if __name__ == "__main__":
    main(sys.argv[1])

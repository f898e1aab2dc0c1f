"""open.py WEIGHTS.safetensors FILE.npz X SCORES EPOCHS.csv LOSSES.csv CURVES.json ONNX...

NumPy, ONNX's checker, and Python's own readers of CSV and JSON.

Every array of the npz must hold the bits of the tensor of WEIGHTS that comes in its place; X and
SCORES, floats ("-": none), are then computed as the course does, from W1, b1, W2, ... with a relu
between. Both CSV files must have what the JSON has. Each ONNX file must pass onnx's full check. A line a check: "ok ..." or what is wrong.
"""
import csv
import json
import sys

import numpy as np
import onnx


def say(ok, words):
    print(("ok " if ok else "wrong: ") + words)


def safetensors(path):
    """Tensors by name."""
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__")
    return {name: np.frombuffer(data[8 + length + t["data_offsets"][0]:
                                     8 + length + t["data_offsets"][1]], "<f4").reshape(t["shape"])
            for name, t in header.items()}


def check_npz(weights, arrays):
    left = dict(weights)
    for name in arrays.files:
        if name in ("mean", "std"):
            continue
        same = [k for k, v in left.items()
                if v.shape == arrays[name].shape and v.tobytes() == arrays[name].tobytes()]
        if not same:
            say(False, f"npz: {name} is no tensor of the net")
            return
        left.pop(same[0])
    say(not left and arrays["mean"].shape == arrays["std"].shape == (3,),
        f"npz in NumPy {np.__version__}: {len(arrays.files)} arrays, equal bits {sorted(left)}")


def check_course(arrays, x, scores):
    out = np.fromfile(x, "<f4").astype(np.float64)
    expected = np.fromfile(scores, "<f4").reshape(-1, 10)
    out = out.reshape(expected.shape[0], -1)
    layer = 1
    while f"W{layer}" in arrays:
        if layer > 1:
            out = np.maximum(0, out)
        out = out.dot(arrays[f"W{layer}"]) + arrays[f"b{layer}"]
        layer += 1
    by = np.abs(out - expected).max()
    say(by <= 1e-4, f"npz as the course computes: {layer - 1} layers, scores within {by:.1e}")


def check_curves(epochs, losses, curves):
    history = json.load(open(curves))["history"]
    rows = [{k: float(v) if v else None for k, v in row.items()}
            for row in csv.DictReader(open(epochs))]
    steps = [[float(row["step"]), float(row["loss"])] for row in csv.DictReader(open(losses))]
    say(rows == history["epochs"] and steps == history["loss"] and len(steps) > 0,
        f"csv and json in Python: {len(rows)} epochs, {len(steps)} losses, the same in both")


weights, npz, x, scores, epochs, losses, curves, *graphs = sys.argv[1:]
arrays = np.load(npz)
check_npz(safetensors(weights), arrays)
if x != "-":
    check_course(arrays, x, scores)
check_curves(epochs, losses, curves)
for graph in graphs:
    model = onnx.load(graph)
    onnx.checker.check_model(model, full_check=True)
    told = {p.key: p.value for p in model.metadata_props}
    say(len(json.loads(told["classes"])) == 10 and len(json.loads(told["mean"])) == 3,
        f"onnx {onnx.__version__} checks {len(model.graph.node)} nodes; classes and mean are told")

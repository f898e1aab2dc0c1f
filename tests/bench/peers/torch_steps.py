"""PyTorch's training steps: a request a line on stdin, {"net": .., "seconds": ..}, and an answer a
line on stdout, {"times": milliseconds of each step, "loss": those of the first and the last step}.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 taskset -c 1 python3 torch_steps.py 1

The step is forward, cross entropy, backward and SGD with momentum in float32, NCHW, on random images.
A request with a "folder" names kiln's export of a run to PyTorch: its module, its loss and its rule
are taken, with the run's options.
"""
import importlib
import json
import os
import sys
import time

import torch
from torch import nn


def build(layers):
    """The module of a flat list of layers, for images of 3x32x32."""
    modules, channels, side, spatial = [], 3, 32, True
    for layer in layers:
        kind = layer["kind"]
        if kind == "conv":
            size = layer["size"]
            modules.append(nn.Conv2d(channels, layer["filters"], size, padding=size // 2))
            channels = layer["filters"]
        elif kind == "batchnorm":
            modules.append(nn.BatchNorm2d(channels))
        elif kind == "relu":
            modules.append(nn.ReLU(inplace=True))
        elif kind == "maxpool":
            modules.append(nn.MaxPool2d(layer["size"]))
            side //= layer["size"]
        elif kind == "avgpool":
            modules.append(nn.AdaptiveAvgPool2d(1))
            side = 1
        elif kind == "affine":
            if spatial:
                modules.append(nn.Flatten())
                channels, spatial = channels * side * side, False
            modules.append(nn.Linear(channels, layer["size"]))
            channels = layer["size"]
        elif kind != "softmax":
            raise ValueError(kind)
    return nn.Sequential(*modules)


class Workload:
    """The same images again and again, warmed up."""
    warm_up = 3

    def __init__(self, net, folder):
        torch.manual_seed(0)
        self.x = torch.randn(net["batch"], 3, 32, 32)
        self.y = torch.arange(net["batch"]) % 10
        self.make(net, folder)
        self.losses = [self.step() for _ in range(self.warm_up)]

    def make(self, net, folder):
        self.model = build(net["layers"])
        self.loss = nn.functional.cross_entropy
        rule = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        self.update = rule.step

    def step(self):
        self.model.zero_grad(set_to_none=True)
        loss = self.loss(self.model(self.x), self.y)
        loss.backward()
        self.update()
        return loss.item()

    def measure(self, seconds):
        start, times = time.perf_counter(), []
        while len(times) < 2 or time.perf_counter() - start < seconds:
            began = time.perf_counter()
            self.losses.append(self.step())
            times.append(1e3 * (time.perf_counter() - began))
        return {"times": times, "loss": [self.losses[0], self.losses[-1]]}


class Exported(Workload):
    """A net of kiln's export; what its options hold as it is gets no gradient, as in kiln."""
    warm_up = 2

    def make(self, net, folder):
        for name in ("data", "kiln", "model", "train"):  # those of another folder
            sys.modules.pop(name, None)
        sys.path.insert(0, folder)
        train = importlib.import_module("train")
        sys.path.pop(0)
        with open(os.path.join(folder, "run.json")) as f:
            told = json.load(f)
        self.run = train.Run(told, told["options"], (self.x, self.y))
        self.model, self.loss = self.run.net, train.data_loss
        held = self.run.held()
        for name, w in self.model.named_parameters():
            if name in held:
                w.requires_grad_(False)

    @torch.no_grad()
    def update(self):
        self.run.update()
        self.run.step += 1


def main():
    torch.set_num_threads(int(sys.argv[1]))
    workloads = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "net" not in request:
            print(json.dumps({"version": torch.__version__}), flush=True)
            continue
        net, folder = request["net"], request.get("folder")
        if net["name"] not in workloads:
            workloads[net["name"]] = (Exported if folder else Workload)(net, folder)
        print(json.dumps(workloads[net["name"]].measure(request["seconds"])), flush=True)


main()

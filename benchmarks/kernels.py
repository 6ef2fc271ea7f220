"""Single convolutions: our own kernels beside torch's, forward alone and with gradients, in turn, in one process.

    python benchmarks/kernels.py [--batch 32] [--rounds 5] [--threads N] [--json]

torch runs in float32 and in bfloat16, channels last, through oneDNN; where AMX is hidden (see `casecnn.kernels.cpu`),
so it is from oneDNN. Ours are those of `casecnn.kernels.amx_convolution` (with bias and ReLU) and
`casecnn.kernels.amx_gradients`. Contenders take turns; each number is the best of the rounds, since other programs on
the machine only ever slow one down. GFLOP/s count two operations for a multiply-add, and three convolutions for a
training step (two for the first layer of a net would do).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from casecnn.kernels import amx as tiles
from casecnn.kernels import cpu as hidden_tiles

LAYERS = {  # channels, size of the map, outputs, window, stride, padding
    "policy net, first": (48, 19, 64, 5, 1, 2),
    "policy net, k = 64": (64, 19, 64, 3, 1, 1),
    "policy net, k = 192": (192, 19, 192, 3, 1, 1),
    "ResNet-50, first": (3, 224, 64, 7, 2, 3),
    "ResNet-50, 3x3 at 56": (64, 56, 64, 3, 1, 1),
    "ResNet-50, 1x1 at 56": (64, 56, 256, 1, 1, 0),
    "ResNet-50, 3x3 at 14": (256, 14, 256, 3, 1, 1),
    "ResNet-50, 1x1 at 14": (1024, 14, 256, 1, 1, 0),
    "ResNet-50, 3x3 at 7": (512, 7, 512, 3, 1, 1),
    "ResNet-20, last": (64, 8, 64, 3, 1, 1),
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not tiles.available():
        parser.error("this CPU, or its operating system, has no AMX tiles, and there are no kernels of ours for others")
    torch.set_num_threads(options.threads)
    found = {name: measure(layer, options.batch, options.rounds) for name, layer in LAYERS.items()}
    if options.json:
        print(json.dumps({"batch": options.batch, "threads": options.threads, "layers": found}))
        return
    hidden = "hidden from" if hidden_tiles.HIDDEN_TILES else "used by"
    print(f"GFLOP/s, batch {options.batch}, {options.threads} threads, torch {torch.__version__}, AMX {hidden} oneDNN")
    print(f"{'':<22}{'forward':>34}{'':>10}{'with gradients':>34}")
    heads = [f"{'float32':>12}{'bfloat16':>12}{'ours':>10}{'ratio':>8}" for _ in range(2)]
    print(f"{'':<22}" + "  ".join(heads))
    for name, parts in found.items():
        cells = []
        for part in parts.values():
            ours, others = part.get("ours"), (part["float32"], part["bfloat16"])
            own = f"{ours:>10.0f}{ours / max(others):>8.2f}" if ours else f"{'-':>10}{'':>8}"
            cells.append(f"{others[0]:>12.0f}{others[1]:>12.0f}{own}")
        print(f"{name:<22}" + "  ".join(cells))
    print("ratio: ours over the better of torch's")


def measure(layer: tuple[int, ...], batch: int, rounds: int) -> dict[str, dict[str, float]]:
    """GFLOP/s by contender, of the convolution and of a training step with it."""
    from casecnn.kernels.amx_convolution import convolve, lay_out
    from casecnn.kernels.amx_gradients import conv2d

    channels, size, outputs, window, stride, padding = layer
    weight, bias = torch.randn(outputs, channels, window, window) / window, torch.randn(outputs)
    x = torch.randn(batch, channels, size, size).to(memory_format=torch.channels_last)
    pads, laid = (padding, padding), lay_out(weight, bias)
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    inputs = {name: [t.to(kind) for t in (x, weight, bias)] for name, kind in kinds.items()}
    learning = {name: [t.clone().requires_grad_() for t in own] for name, own in inputs.items()}
    y = F.conv2d(*inputs["float32"], stride, padding)
    dy = {name: torch.randn_like(y).to(kind) for name, kind in kinds.items()}
    flops = 2.0 * y.numel() * channels * window * window

    def forward(name: str) -> Callable[[], object]:
        return lambda: F.relu(F.conv2d(*inputs[name], stride, padding), inplace=True)

    def step(name: str) -> Callable[[], object]:
        return lambda: F.relu(F.conv2d(*learning[name], stride, padding)).backward(dy[name])

    fast = inputs["bfloat16"][0]
    contenders = {
        "forward": {name: forward(name) for name in kinds}
        | {"ours": lambda: convolve(fast, laid, (stride, stride), pads, relu=True)},
        "step": {name: step(name) for name in kinds},
    }
    if stride == 1:  # x as it comes in training, the weights in float32 as they are kept
        own = [learning["bfloat16"][0], *learning["float32"][1:]]
        contenders["step"]["ours"] = lambda: conv2d(*own, pads, True).backward(dy["bfloat16"])
    answer: dict[str, dict[str, float]] = {}
    for part, runs in contenders.items():
        best = {name: float("inf") for name in runs}
        for _ in range(rounds + 1):  # one to warm up
            for name, run in runs.items():
                begin = time.perf_counter()
                with torch.inference_mode(part == "forward"):
                    run()
                best[name] = min(best[name], time.perf_counter() - begin)
        times = 3 if part == "step" else 1
        answer[part] = {name: times * flops / seconds / 1e9 for name, seconds in best.items()}
    return answer


if __name__ == "__main__":
    main()

"""ResNet-50 on images of random numbers: this package beside torchvision's eager mode, in turn, in one process.

    python benchmarks/vision.py [--net resnet50-v1.5] [--batch 16] [--rounds 5] [--seconds 3]
        [--threads N] [--bfloat16] [--json]

torchvision's net runs as most people run it: float32, contiguous memory, `eval()` and `inference_mode()`; also with
channels_last, to show what the layout alone is worth. Ours has the same weights, converted; both outputs are compared
first. Contenders take turns, `rounds` times `seconds` each, so that a machine that slows down slows all of them; the
medians and their ratios are printed with the smallest and largest. Without torchvision ours alone is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
from copy import deepcopy
from typing import Any

import torch

from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import gains_by_bfloat16
from casecnn.vision.convert import SHARED, from_torchvision
from casecnn.vision.evaluation.selfcheck import throughput
from casecnn.vision.model import build_fast

BARS = {"float32": 1.3, "bfloat16": 3.0}  # times torchvision's eager float32, batch 16


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="resnet50-v1.5", choices=sorted(SHARED))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--bfloat16", action="store_true", help="time bfloat16 even where the CPU gains nothing by it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if min(options.batch, options.rounds, options.threads) < 1:
        parser.error("--batch, --rounds and --threads must be at least 1")
    torch.set_num_threads(options.threads)
    net = get_net(options.net).without_heads()
    peer = torchvision_net(SHARED[options.net])
    ours = build(net, seed=0)
    if peer is not None:
        ours.load_state_dict(from_torchvision(net, peer.state_dict()))
    ours.eval()
    cpu = torch.device("cpu")
    contenders: dict[str, Any] = {}
    if peer is not None:
        contenders["torchvision eager float32"] = peer
        contenders["torchvision channels_last float32"] = deepcopy(peer).to(memory_format=torch.channels_last)
    for precision in ["float32", *(["bfloat16"] if options.bfloat16 or gains_by_bfloat16(cpu) else [])]:
        contenders[f"casecnn {precision}"] = build_fast(ours, cpu, precision)
    agreement = compare(contenders, net.input) if peer is not None else {}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        for name, module in contenders.items():
            rates[name].append(measure(name, module, net, options.batch, options.seconds))
    report(options, net.name, rates, agreement)


def measure(name: str, module: Any, net: Any, batch: int, seconds: float) -> float:
    """Images a second; the plain peer gets contiguous memory."""
    if name == "torchvision eager float32":
        return throughput(Contiguous(module), net, batch, seconds)
    return throughput(module, net, batch, seconds)


class Contiguous(torch.nn.Module):
    """Feeds its net contiguous memory, made once for each input."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module
        self.last: tuple[int, torch.Tensor] | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.last is None or self.last[0] != id(x):
            self.last = id(x), x.contiguous()
        return self.module(self.last[1])


DECLARED: list[torch.library.Library] = []  # a library's operators go when it does


def torchvision_net(name: str) -> torch.nn.Module | None:
    """torchvision's net with random weights, BatchNorms as after training; None where torchvision is not installed.

    Its compiled operators, which classification does not need, may not fit this torch; then two are declared for its
    import to go through.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    DECLARED.append(library)
    for operator in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):
            library.define(f"{operator}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
    try:
        from torchvision import models
    except ImportError:
        return None
    torch.manual_seed(0)
    extra: dict[str, Any] = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
    module = getattr(models, name)(weights=None, **extra).eval()
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
    return module


def compare(contenders: dict[str, Any], shape: tuple[int, ...]) -> dict[str, float]:
    """The largest difference from torchvision's eager output, over its largest value."""
    x = torch.rand(2, *shape)
    with torch.inference_mode():
        outputs = {name: m(x.to(next(m.parameters()).dtype)).float() for name, m in contenders.items()}
    expected = outputs["torchvision eager float32"]
    return {name: float((y - expected).abs().max() / expected.abs().max()) for name, y in outputs.items()}


def report(options: Any, net: str, rates: dict[str, list[float]], agreement: dict[str, float]) -> None:
    """Prints the medians, and the ratios to torchvision's eager mode beside the bars."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    base = medians.get("torchvision eager float32")
    if options.json:
        answer = {
            name: {"values": values, "median": medians[name], "difference": agreement.get(name)}
            for name, values in rates.items()
        }
        print(json.dumps({"net": net, "batch": options.batch, "threads": options.threads, "results": answer}))
        return
    print(f"{net}, batch {options.batch}, {options.threads} threads, torch {torch.__version__}, images a second")
    for name, values in rates.items():
        line = f"  {name:<36}{medians[name]:>8.2f} ({min(values):.2f} to {max(values):.2f}, n = {len(values)})"
        if base and name.startswith("casecnn"):
            bar = BARS[name.split()[1]]
            ratio = medians[name] / base
            line += f"  {ratio:.2f} times eager; at least {bar:g}: {'met' if ratio >= bar else 'MISSED'}"
        if name in agreement and name != "torchvision eager float32":
            line += f"; difference {agreement[name]:.1e}"
        print(line)
    if base is None:
        print("  torchvision is not installed: nothing to compare with")


if __name__ == "__main__":
    main()

"""How fast the nets run on a GPU, beside torch's own ways, in pieces that each take less than ten minutes.

    python benchmarks/gpu.py -o benchmarks/results --minutes 9     # again and again, until it says that all is done
    python benchmarks/gpu.py -o benchmarks/results --markdown      # the table of what was measured
    python benchmarks/gpu.py -o runs/rehearsal --rehearse         # tiny sizes on the CPU, to find slips beforehand

Contenders: torch eager, channels last, torch.compile, `prepare` (BatchNorm folded, channels last), and that replayed
from a CUDA graph. Before them come the planes for training, and how long it waits for them (`gpu_planes.py`). Every row
is written as soon as it is measured, into one JSON file named after the device; rows that are there are not measured
again. A rate is the best of the rounds; contenders of one row take turns. The ceiling is a matrix product of 8192 x
8192 in the same number format.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from gpu_planes import Supply
from gpu_planes import markdown as markdown_of_planes
from torch import nn

import casecnn
from casecnn.files import atomic_write
from casecnn.inference.graphs import Graphed
from casecnn.inference.prepare import prepare
from casecnn.layers import Net
from casecnn.nets.catalogue import get_net
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.training.log import device_name

CONTENDERS = ("eager", "channels last", "compile", "prepared", "graph")


def cases(rehearse: bool) -> list[tuple[str, Net, tuple[int, ...]]]:
    """Name, net and batch sizes."""
    if rehearse:
        return [("policy", policy_net(4, 3, 9), (1, 2)), ("lenet5", get_net("lenet5"), (2,))]
    return [
        ("policy k=192", policy_net(192), (1, 8, 64, 1024)),
        ("policy k=64", policy_net(64), (1, 8, 64, 1024)),
        ("resnet50", get_net("resnet50"), (1, 32, 256)),
        ("vgg16", get_net("vgg16"), (1, 32)),
        ("googlenet", get_net("googlenet").without_heads(), (1, 32, 256)),
        ("kim-static", get_net("kim-static"), (1, 64, 1024)),
    ]


def contender(name: str, net: Net, dtype: torch.dtype, device: torch.device) -> nn.Module:
    """The net as a contender runs it."""
    module = build(net, seed=0).eval()
    if name in ("prepared", "graph"):
        fast = prepare(module, dtype, device)
        return Graphed(fast) if name == "graph" else fast
    module = module.to(device, dtype)
    if name != "eager":
        module = module.to(memory_format=torch.channels_last)
    return torch.compile(module) if name == "compile" else module


def rate(run: Callable[[], Any], items: int, device: torch.device, seconds: float) -> float:
    """Items a second over about ``seconds``."""
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for _ in range(4):
            run()
        wait(device)
        count += 4
    return items * count / (time.perf_counter() - begin)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(net: Net, batch: int, dtype: torch.dtype, device: torch.device, seconds: float) -> dict[str, Any]:
    """One row: each contender's rate, peak memory, and how far its logits are from those in float64 on the CPU."""
    x = torch.randn(batch, *net.input, generator=torch.Generator().manual_seed(0))
    few = slice(0, min(batch, 2))
    with torch.inference_mode():
        wanted = build(net, seed=0).eval().double()(x[few].double())
        given = x.to(device, dtype)
        best: dict[str, Any] = {}
        runners = {}
        for name in CONTENDERS:
            if device.type != "cuda" and name in ("graph", "compile"):
                continue
            data = given if name == "eager" or given.dim() != 4 else given.contiguous(memory_format=torch.channels_last)
            try:
                module = contender(name, net, dtype, device)
                if device.type == "cuda":
                    torch.cuda.reset_peak_memory_stats(device)
                found = module(data)
                error = (found[few].double().cpu() - wanted).abs().max() / wanted.abs().max()
                peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
                best[name] = {"rate": 0.0, "error": float(error), "peak_bytes": peak}
                runners[name] = lambda module=module, data=data: module(data)
            except (RuntimeError, ValueError) as problem:  # a row with one contender less is better than none
                best[name] = {"failed": f"{type(problem).__name__}: {str(problem).splitlines()[0][:200]}"}
        for _ in range(3):
            for name, run in runners.items():
                best[name]["rate"] = max(best[name]["rate"], rate(run, batch, device, seconds))
    return best


def ceiling(dtype: torch.dtype, device: torch.device, size: int, seconds: float) -> float:
    """FLOP a second of a square matrix product."""
    a = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 * max(rate(lambda: a @ a, 1, device, seconds) for _ in range(3))


def markdown(results: dict[str, Any]) -> str:
    """The rows as a table: items a second, the best in bold, and its share of the ceiling."""
    lines = [
        f"## {results['device']}",
        "",
        f"torch {results['torch']}, casecnn {results['casecnn']}; items a second, best of three rounds.",
        "",
        f"| net | batch | format | {' | '.join(CONTENDERS)} | of the ceiling |",
        f"|---|---|---|{'---|' * len(CONTENDERS)}---|",
    ]
    for key, row in results["rows"].items():
        net, batch, dtype = key.split(", ")
        rates = [row["contenders"].get(name, {}).get("rate") for name in CONTENDERS]
        top = max(filter(None, rates), default=0)
        cells = ["-" if r is None else f"**{r:,.0f}**" if r == top else f"{r:,.0f}" for r in rates]
        share = 2 * row["macs"] * top / results["ceilings"][dtype]
        lines.append(f"| {net} | {batch.split()[1]} | {dtype} | {' | '.join(cells)} | {share:.0%} |")
    return "\n".join(lines) + "\n" + markdown_of_planes(results.get("planes", {}))


def main() -> None:
    """Measure what is missing, until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round of each contender")
    parser.add_argument("--moves", metavar="MOVES.npz", help="games for the rows of planes, instead of self-play")
    parser.add_argument("--rehearse", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    if not torch.cuda.is_available() and not options.rehearse:
        sys.exit("torch finds no CUDA device; --rehearse tries the program on the CPU")
    device = torch.device("cpu" if options.rehearse else "cuda:0")
    options.output.mkdir(parents=True, exist_ok=True)
    name = device_name(device)
    path = options.output / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {
        "device": name, "torch": torch.__version__, "casecnn": casecnn.__version__, "ceilings": {}, "rows": {},
    }  # fmt: skip
    if options.markdown:
        print(markdown(results))
        return
    end = time.monotonic() + 60 * options.minutes
    seconds = 0.02 if options.rehearse else options.seconds

    def keep() -> None:
        with atomic_write(path, "w") as stream:
            stream.write(json.dumps(results, indent=1) + "\n")

    formats = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    for label, dtype in formats.items():
        if label not in results["ceilings"]:
            results["ceilings"][label] = ceiling(dtype, device, 256 if options.rehearse else 8192, seconds)
            keep()
    for key, measure_row in Supply(device, options.moves, seconds, options.rehearse).rows().items():
        if key in results.setdefault("planes", {}):
            continue
        if time.monotonic() > end:
            print("not done yet: start the same command again")
            return
        try:
            results["planes"][key] = measure_row()
        except Exception as problem:  # a row with nothing in it is better than no others
            results["planes"][key] = {"failed": f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"}
        keep()
        print(key, results["planes"][key], flush=True)
    for net_name, net, batches in cases(options.rehearse):
        for batch in batches:
            for label, dtype in formats.items():
                key = f"{net_name}, batch {batch}, {label}"
                if key in results["rows"]:
                    continue
                if time.monotonic() > end:
                    print("not done yet: start the same command again")
                    return
                found = measure(net, batch, dtype, device, seconds)
                results["rows"][key] = {"macs": net.macs, "contenders": found}
                keep()
                print(key, {name: round(row.get("rate", 0)) for name, row in found.items()}, flush=True)
    print(f"all done: {path}")


if __name__ == "__main__":
    main()

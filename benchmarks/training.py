"""A training step on a CPU in float32: this package beside torch eager and torch channels last, in turn in one process.

    python benchmarks/training.py [--net policy-k64 resnet20] [--batch 256] [--instructions AVX2 DEFAULT] [--threads 1]
        [--rounds 3] [--name FILE] [--no-page]

A step is forward, cross-entropy and backward; the optimiser takes the same for all. What counts is the fastest step, in
processor seconds with one thread, else in seconds. *ceiling* is the part of the fastest convolutions by oneDNN, as in
`benchmarks/inference.py`; a step counts three times a forward pass's multiply-adds. Results go to
benchmarks/results/FILE.json, and from there to docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from inference import LEVELS, cores, cpu, versions
from inference_contender import ceiling, declared
from performance_page import write_page

HERE = Path(__file__).parent


def main() -> None:
    """Runs a process for each level of instructions, and writes what they say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", nargs="+", default=["policy-k64", "resnet20"])
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--instructions", nargs="+", default=["AVX2", "DEFAULT"], choices=LEVELS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--name", default="training")
    parser.add_argument("--no-page", action="store_true")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print("ANSWER " + json.dumps(measured(options.measure, options.batch, options.threads, options.rounds)))
        return
    steps = []
    for level in options.instructions:
        for net in options.net:
            limits = {} if level == "DEFAULT" else {"ONEDNN_MAX_CPU_ISA": level, **LEVELS[level]}
            numbers = ["--batch", str(options.batch), "--threads", str(options.threads)]
            done = subprocess.run(
                [sys.executable, __file__, "--measure", net, *numbers, "--rounds", str(options.rounds)],
                env={**os.environ, **limits, "OMP_NUM_THREADS": str(options.threads)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            answer = json.loads(done.stdout.rpartition("ANSWER ")[2])
            steps.append({"net": net, "instructions": level, "batch": options.batch, **answer})
            print(steps[-1], flush=True)
    path = HERE / "results" / f"{options.name}.json"
    content = {"cpu": cpu(), "cores": cores(), "threads": options.threads, "versions": versions(), "steps": steps}
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"written: {path}")
    if not options.no_page:
        print(f"written: {write_page(HERE / 'results', HERE.parent / 'docs' / 'performance.md')}")


def measured(name: str, batch: int, threads: int, rounds: int) -> dict[str, Any]:
    """Samples a second of each contender, and of the ceiling."""
    import torch
    from torch.nn import functional as F

    from casecnn.kernels.allowed import Allowed
    from casecnn.torch_net.build import build
    from casecnn.torch_net.convolution import Conv

    torch.set_num_threads(threads)
    net, clock = declared(name), time.process_time if threads == 1 else time.perf_counter
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, *net.input, generator=generator)
    labels = torch.randint(0, net.output_shape[0], (batch,), generator=generator)
    contenders = {"casecnn": (True, True), "torch": (False, False), "channels_last": (True, False)}
    steps = {}
    for contender, (last, ours) in contenders.items():
        layout = torch.channels_last if last else torch.contiguous_format
        module = build(net, seed=0).train().to(memory_format=layout)  # type: ignore[call-overload]
        for part in module.modules():
            if isinstance(part, Conv):
                part.allowed = Allowed() if ours else Allowed(winograd=False, hidden_tiles=False)

        images = x.contiguous(memory_format=layout)

        def step(module: Any = module, images: Any = images) -> None:
            module.zero_grad()
            F.cross_entropy(module(images), labels).backward()

        step()
        steps[contender] = step
    seconds = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds):
        for contender, step in steps.items():
            begin = clock()
            step()
            seconds[contender] = min(seconds[contender], clock() - begin)
    most = ceiling("float32", threads, 1.0) / (3 * net.macs)
    return {"rates": {contender: batch / value for contender, value in seconds.items()}, "ceiling": most}


if __name__ == "__main__":
    main()

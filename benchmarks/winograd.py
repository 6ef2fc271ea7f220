"""Nets whose convolutions are Winograd's, beside torch, onnxruntime and OpenVINO: images a second, in turn, in float32.

    python benchmarks/winograd.py [--nets policy-k192,vgg16] [--batches 1,8] [--threads 1,2] [--seconds 20] [--json]

Contenders are torch's own layers (eager), the same channels last, ours without Winograd (oneDNN with weights laid out
beforehand), ours with it, and, where they are installed, onnxruntime (`pip install onnx onnxruntime`) and OpenVINO
(`pip install openvino`), all with the same random weights and as many threads. They take turns for `--seconds` a row;
each number is that of the best turn, since other programs on the machine only ever slow one down. "ratio" is ours over
the best of the others. "peak" is the share of the CPU's measured multiply-add peak that a plain convolution would need
for our speed: above 100 % no plain convolution can be as fast. "error" is our largest difference from torch's output in
float64, over the largest output. On a machine that others use `--cpu` takes the process's CPU time instead of the
clock's, which for one thread leaves most of the others out.

The instruction level is LLVM's and oneDNN's: `NUMBA_CPU_FEATURES=+avx2,+fma,+avx,+f16c NUMBA_CPU_NAME=haswell
ONEDNN_MAX_CPU_ISA=AVX2` is a CPU with AVX2 alone, for torch and ours; OpenVINO obeys ONEDNN's variable, too.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn

from casecnn.export import net_model
from casecnn.inference.prepare import prepare
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.vectors import ROWS, VECTORS, WIDTH
from casecnn.kernels.winograd_vectors import multiply
from casecnn.layers import Net
from casecnn.nets.catalogue import get_net
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build

OURS = "casecnn"
TURN = 0.3  # seconds that a contender has at a time


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="policy-k192,policy-k64,vgg16")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", default=str(len(os.sched_getaffinity(0))))
    parser.add_argument("--seconds", type=float, default=20, help="for each row")
    parser.add_argument("--cpu", action="store_true", help="CPU time, not time: for one thread, on a busy machine")
    parser.add_argument("--json", action="store_true", help="print one JSON object a row")
    options = parser.parse_args()
    for threads in map(int, options.threads.split(",")):
        torch.set_num_threads(threads)
        peak = peak_of(threads)
        print(f"# {threads} threads, torch {torch.__version__}, peak {2 * peak / 1e9:.0f} GFLOP/s", file=sys.stderr)
        for name in options.nets.split(","):
            narrow = re.fullmatch(r"policy-k(\d+)", name)
            net = policy_net(int(narrow[1])) if narrow else get_net(name).without_heads()
            module = build(net, seed=0).eval()
            for batch in map(int, options.batches.split(",")):
                x = torch.randn(batch, *net.input, generator=torch.Generator().manual_seed(batch))
                row = {"net": name, "threads": threads, "batch": batch}
                row |= measure(net, module, x, threads, options)
                row["peak"] = net.macs * row[OURS] / peak
                if options.json:
                    print(json.dumps(row), flush=True)
                else:
                    cells = " ".join(
                        f"{key} {value:.2e}" if key == "error" else f"{key} {value:.2f}"
                        for key, value in row.items()
                        if isinstance(value, float)
                    )
                    print(f"{name} batch {batch} threads {threads}: {cells}", flush=True)


@torch.inference_mode()
def measure(net: Net, module: nn.Module, x: Tensor, threads: int, options: argparse.Namespace) -> dict[str, float]:
    """Images a second by contender, the ratio, and the error."""
    last = x.to(memory_format=torch.channels_last)
    eager_last = copy.deepcopy(module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    plain, ours = prepare(module, allowed=Allowed(winograd=False)), prepare(module)
    contenders: dict[str, Callable[[], Any]] = {
        "eager": lambda: module(x),
        "channels_last": lambda: eager_last(last),
        "prepacked": lambda: plain(last),
        OURS: lambda: ours(last),
    }
    contenders |= with_onnxruntime(net, module, x, threads) | with_openvino(module, x, threads)
    best = dict.fromkeys(contenders, float("inf"))
    for call in contenders.values():
        call()
    clock = time.process_time if options.cpu else time.perf_counter
    stop = time.perf_counter() + options.seconds
    rounds = 0
    while time.perf_counter() < stop or rounds < 3:
        rounds += 1
        for name, call in contenders.items():
            call()  # after another's, which has filled the caches, and whose threads may still spin
            turn = time.perf_counter() + TURN
            while time.perf_counter() < turn:
                begin = clock()
                call()
                best[name] = min(best[name], clock() - begin)
    expected = module.double()(x.double())
    error = float((ours(last) - expected).abs().max() / expected.abs().max())
    module.float()
    others = min(value for name, value in best.items() if name != OURS)
    return {
        **{name: len(x) / value for name, value in best.items()},
        "ratio": others / best[OURS],
        "error": error,
    }


def with_onnxruntime(net: Net, module: nn.Module, x: Tensor, threads: int) -> dict[str, Callable[[], Any]]:
    """Onnxruntime's contender, if it is installed."""
    try:
        import onnxruntime
    except ImportError:
        return {}
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    model = net_model(net, {name: tensor.numpy() for name, tensor in module.state_dict().items()}, batch=len(x))
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    feed = {"input": x.numpy()}
    return {"onnxruntime": lambda: session.run(["logits"], feed)}


def with_openvino(module: nn.Module, x: Tensor, threads: int) -> dict[str, Callable[[], Any]]:
    """OpenVINO's contender, if it is installed."""
    try:
        import openvino
    except ImportError:
        return {}
    logging.disable(logging.WARNING)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    with warnings.catch_warnings():  # it traces the module, which asks for sizes
        warnings.simplefilter("ignore")
        model = openvino.convert_model(module, example_input=x)
    compiled_model = openvino.Core().compile_model(model, "CPU", settings)
    array = x.numpy()
    return {"openvino": lambda: compiled_model(array)}


def peak_of(threads: int) -> float:
    """Multiply-adds a second of all threads at once, the best of many short turns: products in the innermost cache."""
    steps, turns = 4, 2000

    @njit(nogil=True)
    def products(left, right, product):
        for _ in range(turns):
            multiply(ROWS, VECTORS, left.ctypes.data, ROWS * WIDTH * 4, right.ctypes.data, product.ctypes.data, steps)

    def best(_: int) -> float:
        sizes = (steps * ROWS * WIDTH, steps * WIDTH * VECTORS * WIDTH, ROWS * VECTORS * WIDTH)
        arrays = [np.ones(size, np.float32) for size in sizes]
        taken = float("inf")
        for _ in range(300):
            begin = time.perf_counter()
            products(*arrays)
            taken = min(taken, time.perf_counter() - begin)
        return turns * steps * ROWS * WIDTH * VECTORS * WIDTH / taken

    best(0)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(best, range(threads)))


if __name__ == "__main__":
    main()

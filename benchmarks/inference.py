"""Whole nets, inference on a CPU: this package beside torch, onnxruntime and OpenVINO, at each instruction level.

    python benchmarks/inference.py [--net resnet50-v1.5 ...] [--batch 1 ...] [--instructions AVX2 ...] [--threads 1 ...]
        [--precision float32 ...] [--busy|--only-busy] [--clock wall|cpu] [--contender torch ...] [--rounds 5]
        [--seconds 1] [--minutes 20] [--name FILE] [--again] [--no-page]

Every contender runs in a process of its own, with the same weights and the same input; in a round each is asked in turn
to run for `--seconds` while the others rest, so that a machine that slows down slows all of them. What counts is the
median of the rounds. `--clock cpu` compares processor seconds of the fastest call with one thread, which other programs
on the machine disturb little. `--busy` keeps one more process running that does nothing but compute.

AVX2, AVX512_CORE, … limit oneDNN (ONEDNN_MAX_CPU_ISA), torch's own kernels (ATEN_CPU_CAPABILITY), and numba; MLAS in
onnxruntime cannot be limited, OpenVINO's own copy of oneDNN may not be: they then have the machine's best instructions.

The ceiling is what this machine does in convolutions that suit it best: the most multiply-adds a second that oneDNN
reaches in large ones, measured anew before each table. Winograd's algorithm does with fewer, so that it may pass it.

Results go to benchmarks/results/CPU.json after every row, and all results there make the page docs/performance.md. A
run goes on from what the file has: rows that are there with all contenders asked for are left out, unless `--again`.
With `--minutes` no row is begun later. Needs the extra `bench`; a contender that is not installed is left out, with a
line that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from inference_contender import CONTENDERS, declared
from performance_page import write_page

HERE = Path(__file__).parent
NETS = {  # batches; images of ImageNet take longer
    "resnet50-v1.5": (1, 8, 16),
    "vgg16": (1, 8, 16),
    "googlenet": (1, 8, 16),
    "resnet20": (1, 8, 64),
    "lenet5": (1, 8, 64),
    "policy-k64": (1, 8, 64),
    "policy-k192": (1, 8, 64),
}
AVX2 = "+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt,+movbe"
LEVELS: dict[str, dict[str, str]] = {
    "DEFAULT": {},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": AVX2},
    "AVX512_CORE": {"ATEN_CPU_CAPABILITY": "avx512"},
    "AVX512_CORE_BF16": {"ATEN_CPU_CAPABILITY": "avx512"},
}


class Contender:
    """A process that runs nets."""

    def __init__(self, name: str, precision: str, threads: int, level: str) -> None:
        self.name = name
        limits = {} if level == "DEFAULT" else {"ONEDNN_MAX_CPU_ISA": level, **LEVELS[level]}
        environment = {**os.environ, **limits, "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "inference_contender.py"), name, precision, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request; "error" where the process has ended."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"error": "the process ended"}
        for line in self.process.stdout:
            if line.startswith("ANSWER "):
                answer: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
                return answer
        return {"error": f"the process ended ({self.process.wait()})"}

    def close(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def main() -> None:
    """Measures, prints, writes the results and the page."""
    options = parsed()
    results = Results(HERE / "results" / f"{options.name}.json", options)
    for level in options.instructions:
        for precision in options.precision:
            for threads in options.threads:
                for busy in options.busy:
                    measure(options, results, level, precision, threads, busy)
    print(f"written: {results.path}")
    if not options.no_page:
        print(f"written: {write_page(HERE / 'results', HERE.parent / 'docs' / 'performance.md')}")


class Results:
    """The file of results, written after every row."""

    def __init__(self, path: Path, options: argparse.Namespace) -> None:
        self.path, self.again, self.contenders = path, options.again, options.contender
        self.deadline = time.monotonic() + 60 * options.minutes
        path.parent.mkdir(exist_ok=True)
        self.content: dict[str, Any] = {"cpu": cpu(), "cores": cores(), "clock": options.clock}
        self.content |= {"versions": versions(), "ceilings": [], "results": []}
        if path.exists():
            before = json.loads(path.read_text())
            if before["clock"] != options.clock:
                raise SystemExit(f"{path} was measured by another clock; give another --name")
            self.content |= {key: value for key, value in before.items() if key not in ("versions", "cpu", "cores")}
            self.content.setdefault("ceilings", [])

    def wants(self, row: dict[str, Any]) -> bool:
        """Whether a row is still to be measured, and there is time for it."""
        there = next((one for one in self.content["results"] if same(one, row)), None)
        known = there is not None and set(self.contenders) <= set(there["contenders"])
        return (self.again or not known) and time.monotonic() < self.deadline

    def add(self, kind: str, row: dict[str, Any]) -> None:
        """Keep a row, in the place of one like it, and write the file."""
        rows = self.content[kind]
        place = next((number for number, one in enumerate(rows) if same(one, row)), len(rows))
        rows[place : place + 1] = [row]
        self.path.write_text(json.dumps(self.content, indent=1) + "\n")


SAME = ("instructions", "precision", "threads", "busy", "net", "batch")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rows are about the same."""
    return all(one.get(key) == other.get(key) for key in SAME)


def parsed() -> argparse.Namespace:
    """The command line, with what it leaves out filled in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", nargs="+", default=list(NETS))
    parser.add_argument("--batch", nargs="+", type=int, help="default: 1, 8 and 64, of ImageNet's nets 16")
    parser.add_argument("--instructions", nargs="+", default=["AVX2", "DEFAULT"], choices=LEVELS)
    parser.add_argument("--threads", nargs="+", type=int, help="default: 1 and all")
    parser.add_argument("--precision", nargs="+", default=["float32"], choices=["float32", "bfloat16"])
    parser.add_argument("--contender", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS))
    beside = parser.add_mutually_exclusive_group()
    beside.add_argument("--busy", dest="busy", action="store_const", const=(False, True), default=(False,))
    beside.add_argument("--only-busy", dest="busy", action="store_const", const=(True,), help="beside a busy process")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no row later")
    parser.add_argument("--again", action="store_true", help="measure what the file has, too")
    parser.add_argument("--name", help="of the file of results; default: the CPU's")
    parser.add_argument("--no-page", action="store_true")
    options = parser.parse_args()
    options.threads = options.threads or sorted({1, cores()})
    if options.clock == "cpu" and options.threads != [1]:
        parser.error("--clock cpu goes with --threads 1: threads that wait for each other take processor time, too")
    options.name = options.name or re.sub(r"\W+", "-", f"{cpu()} {cores()} cores").strip("-").lower()
    return options


def measure(
    options: argparse.Namespace, results: Results, level: str, precision: str, threads: int, busy: bool
) -> None:
    """One row for each net and batch, measured with all contenders alive."""
    table = {"instructions": level, "precision": precision, "threads": threads, "busy": busy}
    rows = [
        table | {"net": net, "batch": batch, "macs": batch * declared(net).macs, "weights": declared(net).parameters}
        for net in options.net
        for batch in options.batch or NETS.get(net, (1, 8))
    ]
    if not any(results.wants(row) for row in rows):
        return
    beside = ", beside a busy process" if busy else ""
    print(f"\n{level}, {precision}, {threads} thread{'s' * (threads > 1)}{beside}", flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contenders = [Contender(name, precision, threads, level) for name in options.contender]
        for contender in contenders:
            stack.callback(contender.close)
        if "casecnn" in options.contender and not busy:
            answer = contenders[options.contender.index("casecnn")].ask(ceiling=options.seconds)
            results.add("ceilings", {**table, **answer})
        for row in rows:
            if not results.wants(row):
                continue
            case = prepared(folder, str(row["net"]), int(row["batch"]))
            with busy_process(busy):
                row["contenders"] = compete(contenders, case, options)
            show(row)
            results.add("results", row)


def prepared(folder: Path, net: str, batch: int) -> dict[str, str | int]:
    """The files of a case: the net as ONNX, the input, and where the answers go."""
    from casecnn.export.model import net_model
    from casecnn.torch_net.build import build

    declaration, model, x = declared(net), folder / f"{net}.onnx", folder / f"{net}-{batch}.npy"
    if not model.exists():
        state = {name: tensor.numpy() for name, tensor in build(declaration, seed=0).state_dict().items()}
        model.write_bytes(net_model(declaration, state).SerializeToString())
    np.save(x, np.random.default_rng(0).standard_normal((batch, *declaration.input), np.float32))
    return {"net": net, "batch": batch, "onnx": str(model), "input": str(x), "answer": str(folder / "answer.npy")}


def compete(
    contenders: list[Contender], case: dict[str, str | int], options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """What each contender reached, by its name, with the difference of its answer from torch's."""
    found: dict[str, dict[str, Any]] = {}
    answers = {}
    for contender in contenders:
        found[contender.name] = contender.ask(**case)
        if "error" not in found[contender.name]:
            answers[contender.name] = np.load(case["answer"])
    if "torch" in answers:
        base = answers["torch"]
        for name, answer in answers.items():
            found[name]["difference"] = float(np.abs(answer - base).max() / np.abs(base).max())
    able = [contender for contender in contenders if "error" not in found[contender.name]]
    runs: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in able}
    for _ in range(options.rounds):
        for contender in able:
            runs[contender.name].append(contender.ask(seconds=options.seconds))
    for name, own in runs.items():
        if options.clock == "cpu":
            rates = [int(case["batch"]) / run["least_cpu"] for run in own]
        else:
            rates = [int(case["batch"]) * run["calls"] / run["wall"] for run in own]
        found[name] |= {"rates": rates, "rate": max(rates) if options.clock == "cpu" else statistics.median(rates)}
    return found


def show(row: dict[str, Any]) -> None:
    """Prints a row: inputs a second."""
    cells = []
    for name, found in row["contenders"].items():
        cells.append(f"{name} {found['rate']:.1f}" if "rate" in found else f"{name} -")
    print(f"  {row['net']:<14} batch {row['batch']:<3}", "  ".join(cells), flush=True)


@contextmanager
def busy_process(wanted: bool) -> Iterator[None]:
    """A process beside that computes without end."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if wanted else None
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def cpu() -> str:
    """The CPU's name."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Of the packages that compete."""
    found = {}
    for name in ("casecnn", "torch", "onnxruntime", "openvino"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


if __name__ == "__main__":
    main()

"""How fast positions come to a net that trains on a GPU: rows of `benchmarks/gpu.py`.

The kernel that makes planes on the GPU alone; what the CPU's threads supply with and without it; and the training
itself, with the share of time in which the net has no positions. Positions are of games of the packaged net against
itself, or of the packed games of `--moves`.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from casecnn.go.data.archive import Archive, load_archive, pack_records
from casecnn.go.data.sampling import PositionSource
from casecnn.go.net.move_policy import UniformPolicy
from casecnn.go.net.policy import load_policy
from casecnn.go.net.training import policy_loss
from casecnn.go.planes.on_gpu import planes_on_gpu
from casecnn.go.play.game import Rules
from casecnn.go.play.selfplay import play_games
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.training.loop import train
from casecnn.training.prefetch import Prefetcher
from casecnn.training.recipe import Recipe

Row = Callable[[], dict[str, Any]]


class Supply:
    """The rows by name, and what they share; nothing is made before the first row is asked for."""

    def __init__(self, device: torch.device, moves: str | None, seconds: float, rehearse: bool) -> None:
        self.device, self.moves, self.seconds, self.rehearse = device, moves, seconds, rehearse
        self.size, self.k, self.layers = (5, 4, 3) if rehearse else (19, 192, 13)
        self.batch, self.steps = (8, 6) if rehearse else (1024, 300)
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._archive: Archive | None = None
        if rehearse:
            os.environ.setdefault("TRITON_INTERPRET", "1")  # before Triton is imported

    def rows(self) -> dict[str, Row]:
        """What is measured."""
        threads = sorted({1, min(4, self.cores), min(8, self.cores), self.cores})
        found: dict[str, Row] = {}
        kernel = self.device.type == "cuda" or importlib.util.find_spec("triton") is not None
        if kernel:
            for warps in (4, 8, 16) if not self.rehearse else (4,):
                found[f"kernel, {warps} warps"] = lambda warps=warps: self.kernel(warps)
        for n in threads:
            for compact in (False, True):
                made = "compact positions" if compact else "CPU's planes"
                found[f"{made}, {n} threads"] = lambda n=n, compact=compact: self.supply(compact, n)
        for n in sorted({1, min(8, self.cores)}):
            for compact in (False, True) if kernel else (False,):
                made = "kernel" if compact else "CPU's planes"
                found[f"training, {made}, {n} threads"] = lambda n=n, compact=compact: self.training(compact, n)
        return found

    def kernel(self, warps: int) -> dict[str, Any]:
        """Positions a second of the kernel alone, in bfloat16."""
        compact = torch.cat([self.source(True)(step)[0] for step in range(1 if self.rehearse else 8)]).to(self.device)
        return {"rate": self.rate(lambda: planes_on_gpu(compact, self.size, torch.bfloat16, warps), len(compact))}

    def supply(self, compact: bool, threads: int) -> dict[str, Any]:
        """Positions a second that the threads prepare, in page-locked memory where there is a GPU."""
        source = self.source(compact)
        pin = self.device.type == "cuda"
        with Prefetcher(source, 0, 10**9, workers=threads, pin=pin) as batches:
            for _ in range(2 * threads):  # what was made beforehand
                next(batches)
            return {"rate": self.rate(lambda: next(batches), self.batch)}

    def training(self, compact: bool, threads: int) -> dict[str, Any]:
        """Positions a second of the training in bfloat16, and the share of time that it waits for positions."""
        recipe = Recipe(optimizer="muon", lr=0.02, adam_lr=2e-3, steps=self.steps, batch_size=self.batch,
                        precision="bfloat16")  # fmt: skip
        rows: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory() as folder:
            train(
                build(policy_net(self.k, self.layers, self.size), seed=0),
                self.source(compact),
                recipe,
                loss=policy_loss,
                output=folder,
                workers=threads,
                log_every=self.steps // 3,
                device=self.device,
                log=rows.append,
                progress=False,
            )
        last = [row for row in rows if "wait_share" in row][-1]
        return {"rate": last["samples_per_second"], "wait_share": last["wait_share"]}

    def source(self, compact: bool) -> PositionSource:
        """Batches of positions; what is known of the games is known beforehand, as after a while of training."""
        source = PositionSource(self.archive, self.batch, size=self.size, compact=compact)
        if source.history is not None:
            source.history.trace(np.arange(len(self.archive)))
        source(0)  # compiles
        return source

    @property
    def archive(self) -> Archive:
        """The games."""
        if self._archive is None and self.moves is not None:
            self._archive = load_archive(self.moves)
        elif self._archive is None:
            policy = UniformPolicy() if self.rehearse else load_policy(device=self.device)
            rules = Rules(temperature=0.5)
            games = play_games(policy, range(2 if self.rehearse else 128), rules)
            self._archive = pack_records(game.record(rules, "casecnn", "casecnn") for game in games)
        return self._archive

    def rate(self, run: Callable[[], Any], items: int) -> float:
        """Items a second, best of three rounds."""
        best = 0.0
        run()
        for _ in range(3):
            self.wait()
            count, begin = 0, time.perf_counter()
            while time.perf_counter() - begin < self.seconds:
                run()
                count += 1
                if count % 8 == 0:
                    self.wait()
            self.wait()
            best = max(best, items * count / (time.perf_counter() - begin))
        return best

    def wait(self) -> None:
        """Wait for the GPU."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def markdown(rows: dict[str, dict[str, Any]]) -> str:
    """The rows as a table."""
    lines = ["", "## Positions for training", "", "| what | positions a second | waiting |", "|---|---|---|"]
    for name, row in rows.items():
        rate = f"{row['rate']:,.0f}" if "rate" in row else row["failed"]
        share = f"{row['wait_share']:.1%}" if "wait_share" in row else ""
        lines.append(f"| {name} | {rate} | {share} |")
    return "\n".join(lines)

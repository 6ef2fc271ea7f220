"""What can be said of a net without data, weights or a network: its arithmetic, its fast path, its speed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from casecnn.errors import InputError
from casecnn.layers.net import Net
from casecnn.layers.shapes import shape_text
from casecnn.nets.catalogue import get_net
from casecnn.reference import net as reference_net
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import choose_device, gains_by_bfloat16
from casecnn.vision.former_names import with_former_names
from casecnn.vision.model import build_fast
from casecnn.vision.tables.published import figures

TOLERANCE = 1e-4
"""How far the fast path in float32 may be from the float64 reference, relative to the largest output."""

HOW_TO_GIVE_DATA = (
    "to measure its error, give labelled images: a folder or archive of class folders, ImageNet's validation folder, "
    "a folder of IDX files, or mnist, cifar10, imagenette"
)

# Inputs tried for the comparison with the slow reference, smallest first; every family accepts one of them.
_SIZES = (32, 48, 63, 67, 79, 95, 96, 99, 111, 127, 128, 131, 160, 163, 192, 195)


@dataclass(frozen=True)
class Total:
    """A published number beside ours; `reason` says why they differ, where they do."""

    quantity: str
    printed: str
    ours: int
    agrees: bool
    reason: str
    source: str


@dataclass(frozen=True)
class SelfCheck:
    """What was found.

    `errors` are relative to the largest output, by precision, for an input of `checked` size; `rates` are images a
    second for a batch of `batch` at the declared input, by precision.
    """

    net: str
    totals: tuple[Total, ...]
    parameters: int
    macs: int
    checked: tuple[int, ...]
    errors: dict[str, float]
    batch: int
    rates: dict[str, float]
    device: str

    @property
    def good(self) -> bool:
        """Whether the fast path agrees with the reference and every total does, or differs for a known reason."""
        known = all(total.agrees or total.reason != "no reason is known" for total in self.totals)
        return known and self.errors["float32"] <= TOLERANCE

    def as_dict(self) -> dict[str, Any]:
        """Everything under stable names."""
        return with_former_names(
            {
                "net": self.net,
                "good": self.good,
                "parameters": self.parameters,
                "macs": self.macs,
                "published": [vars(total) for total in self.totals],
                "reference": {"input": list(self.checked), "relative_error": self.errors, "tolerance": TOLERANCE},
                "images_per_second": self.rates,
                "batch": self.batch,
                "device": self.device,
                "next": HOW_TO_GIVE_DATA,
            }
        )

    def table(self) -> str:
        """Lines for a terminal."""
        lines = [f"{self.net}: {self.parameters:,} parameters, {self.macs:,} MACs; random weights, no data"]
        lines += ["", "arithmetic against what is published"]
        for total in self.totals:
            verdict = "agrees" if total.agrees else f"{total.ours:,} here: {total.reason}"
            lines.append(f"  {total.quantity:<24}{total.printed:>14}  {verdict} ({total.source})")
        if not self.totals:
            lines.append("  nothing is published for this net")
        lines += ["", f"fast path against the float64 reference, input {shape_text(self.checked)}"]
        for precision, error in self.errors.items():
            verdict = ("agrees" if error <= TOLERANCE else "WRONG") if precision == "float32" else "rounded"
            lines.append(f"  {precision:<24}{error:>14.1e}  {verdict}")
        lines += ["", f"speed on {self.device}, batch of {self.batch}"]
        lines += [f"  {precision:<24}{rate:>14,.1f}  images a second" for precision, rate in self.rates.items()]
        return "\n".join([*lines, "", HOW_TO_GIVE_DATA])


def self_check(name: str, *, device: str = "auto", batch: int = 16, seconds: float = 2.0) -> SelfCheck:
    """Check a net by name: totals against the published ones, the fast path against the reference, and time it.

    Each precision that the device gains by is timed for about `seconds`, after one batch to warm up. Raises UsageError
    for an unknown net or device.
    """
    net = get_net(name).without_heads()
    chosen = choose_device(device)
    precisions = ["float32"] + (["bfloat16"] if gains_by_bfloat16(chosen) else [])
    totals = tuple(
        Total(
            f"{f.quantity}{f' of {f.part}' if f.part else ''}",
            f"{f.printed} {f.unit}".strip(),
            f.ours(get_net(name)),
            f.agrees(get_net(name)),
            f.verdict(get_net(name)),
            f.source,
        )
        for f in figures(name)
    )
    small = smallest(name)
    errors = compare(small, chosen, precisions)
    module = build(net, seed=0)
    rates = {
        precision: throughput(build_fast(module, chosen, precision), net, batch, seconds) for precision in precisions
    }
    return SelfCheck(name, totals, net.parameters, net.macs, small.input, errors, batch, rates, str(chosen))


def smallest(name: str) -> Net:
    """The net with the smallest input that its layers accept: the reference is slow."""
    net = get_net(name).without_heads()
    if len(net.input) == 3 and net.input[1] == net.input[2]:
        for size in (size for size in _SIZES if size < net.input[1]):
            try:
                return get_net(name, size=size).without_heads()
            except InputError:
                continue
    return net


def compare(net: Net, device: torch.device, precisions: list[str]) -> dict[str, float]:
    """The largest difference of the fast path from the reference on one random input, over the largest output.

    BatchNorms are given running averages as after training, so that folding them is put to the test.
    """
    generator = torch.Generator().manual_seed(1)
    module = build(net, seed=0).eval()
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
            assert part.running_var is not None
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.5, 1.5, generator=generator)
    x = torch.randn(1, *net.input, generator=generator)
    weights = {key: value.numpy() for key, value in module.state_dict().items()}
    expected = reference_net.forward(net, weights, x.numpy())
    errors = {}
    for precision in precisions:
        fast = build_fast(module, device, precision)
        with torch.inference_mode():
            found = fast(_input(x, fast)).double().cpu().numpy()
        errors[precision] = float(np.abs(found - expected).max() / np.abs(expected).max())
    return errors


def throughput(module: nn.Module, net: Net, batch: int, seconds: float) -> float:
    """Inputs a second: batches of random numbers for about so many seconds, at least two, after one to warm up."""
    x = _input(torch.rand(batch, *net.input), module)
    with torch.inference_mode():
        module(x)
        _wait(x.device)
        begin, done = time.perf_counter(), 0
        while done < 2 or time.perf_counter() - begin < seconds:
            module(x)
            _wait(x.device)
            done += 1
    return batch * done / (time.perf_counter() - begin)


def _input(x: torch.Tensor, module: nn.Module) -> torch.Tensor:
    """The input as the fast path wants it."""
    like = next(module.parameters())
    x = x.to(like.device, like.dtype)
    return x.to(memory_format=torch.channels_last) if x.dim() == 4 else x


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

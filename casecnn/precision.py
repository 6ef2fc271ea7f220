"""Which number format and memory layout a device trains fastest in."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

import torch

from casecnn.errors import UsageError
from casecnn.recipe import Recipe

_WITHOUT_TILES = "AVX512_CORE_FP16"  # oneDNN's name of an instruction set that every CPU with AMX has
_TILE_LEAF = 0x1D  # the CPUID leaf in which a CPU with AMX describes its tiles


def avoid_hidden_tiles(cpuinfo: str, environment: MutableMapping[str, str]) -> bool:
    """Keep oneDNN away from AMX where a virtual machine names it but hides what oneDNN must know of its tiles.

    Some hypervisors pass on the flag `amx_tile` but end CPUID before the leaf that describes the tiles. oneDNN then
    plans with tiles of no size: a bfloat16 product dies of an illegal instruction, a Linear raises "could not create a
    primitive". There this sets ONEDNN_MAX_CPU_ISA in `environment`, unless it is set, to the best instruction set
    without tiles, and returns True. It works only before oneDNN's first use in a process, and for its children.
    `cpuinfo` is the text of Linux's /proc/cpuinfo.
    """
    lines = (line.split(":", 1) for line in cpuinfo.split("\n\n", 1)[0].splitlines() if ":" in line)
    first = {name.strip(): value.strip() for name, value in lines}
    level = first.get("cpuid level", "")
    if "amx_tile" not in first.get("flags", "").split() or not level.isdecimal() or int(level) >= _TILE_LEAF:
        return False
    environment.setdefault("ONEDNN_MAX_CPU_ISA", _WITHOUT_TILES)
    return True


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""


# On import, since torch reads the variable at its first convolution or product.
HIDDEN_TILES = avoid_hidden_tiles(_cpuinfo(), os.environ) and os.environ["ONEDNN_MAX_CPU_ISA"] == _WITHOUT_TILES


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """Return the torch device for `device`; "auto" is the current CUDA device where there is one, else the CPU.

    Raises `UsageError` for a name that torch does not know and for CUDA where there is none.
    """
    if isinstance(device, str) and device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UsageError(f"`device` (={device!r}) must be auto, cpu, cuda or cuda:N") from None
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"`device` (={device}) is not there: torch finds no CUDA device; use cpu or auto")
    return chosen


def gains_by_bfloat16(device: torch.device, training: bool = True) -> bool:
    """Say whether the device multiplies bfloat16 natively, which makes training about twice as fast.

    CUDA: compute capability 8.0 or more (Ampere), as torch reports it, emulation not counted. CPU: the instruction
    sets AVX512-BF16 or AMX-BF16, as torch reports them or, where torch does not say, as /proc/cpuinfo lists them; not
    where a virtual machine hides the tiles of a CPU with AMX (measured: training at 0.7 times the speed of float32),
    unless it is not for training but for `casecnn.packed`, which finds them. Without those instructions bfloat16 works
    but is emulated and slower than float32. Other devices: no.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    if HIDDEN_TILES:
        if training:
            return False
        from casecnn import tiles  # numba takes its time to load

        return tiles.available()
    probes = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    if all(probes):
        return any(probe() for probe in probes if probe is not None)
    return bool(set(_cpuinfo().split()) & {"avx512_bf16", "amx_bf16"})


def choose_precision(recipe: Recipe, device: torch.device) -> torch.dtype:
    """Return the dtype in which convolutions and products run: torch.float32 or torch.bfloat16 (autocast)."""
    if recipe.precision == "auto":
        return torch.bfloat16 if gains_by_bfloat16(device) else torch.float32
    return torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32


def choose_channels_last(recipe: Recipe, device: torch.device, dtype: torch.dtype) -> bool:
    """Say whether 4-dimensional tensors are laid out NHWC in memory (their shape stays NCHW).

    "auto": on the CPU always (1.05 to 1.3 times as fast for training convolutions on oneDNN), on CUDA with bfloat16
    (tensor cores read NHWC), else not.
    """
    if recipe.channels_last == "auto":
        return device.type == "cpu" or (device.type == "cuda" and dtype == torch.bfloat16)
    return bool(recipe.channels_last)


def autocast(device: str | torch.device = "auto", precision: str = "auto") -> torch.autocast:
    """A context in which convolutions and products run in `precision` ("auto", "float32", "bfloat16") on `device`."""
    chosen = choose_device(device)
    half = precision == "bfloat16" or (precision == "auto" and gains_by_bfloat16(chosen))
    return torch.autocast(chosen.type, dtype=torch.bfloat16, enabled=half)

"""Which number format and memory layout a device trains fastest in."""

from __future__ import annotations

from pathlib import Path

import torch

from casecnn.errors import UsageError
from casecnn.recipe import Recipe


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


def gains_by_bfloat16(device: torch.device) -> bool:
    """Say whether the device multiplies bfloat16 natively, which makes training about twice as fast.

    CUDA: compute capability 8.0 or more (Ampere), as torch reports it, emulation not counted. CPU: the instruction
    sets AVX512-BF16 or AMX-BF16, as torch reports them or, where torch does not say, as /proc/cpuinfo lists them.
    Without them bfloat16 works but is emulated and slower than float32. Other devices: no.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    probes = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    if all(probes):
        return any(probe() for probe in probes if probe is not None)
    try:
        flags = set(Path("/proc/cpuinfo").read_text(errors="replace").split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16"})


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

"""Which number format and memory layout a device trains fastest in."""

from __future__ import annotations

import os

import torch
from torch import nn

from casecnn.errors import UsageError
from casecnn.kernels import dispatch
from casecnn.kernels.allowed import EVERYTHING, Allowed
from casecnn.kernels.cpu import cpuinfo


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """Return the torch device for `device`; "auto" is the current CUDA device where there is one, else the CPU.

    Under `torchrun` "auto" and "cuda" are the process's own GPU.

    Raises `UsageError` for a name that torch does not know and for CUDA where there is none.
    """
    if isinstance(device, str) and device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UsageError(f"`device` (={device!r}) must be auto, cpu, cuda or cuda:N") from None
    if chosen.type == "meta":
        raise UsageError("`device` (=meta) computes nothing; use auto, cpu, cuda or cuda:N")
    if chosen.type not in ("cpu", "cuda"):
        try:
            torch.empty(0, device=chosen)
        except (RuntimeError, NotImplementedError, AssertionError):
            raise UsageError(f"`device` (={device}) is not there: this torch cannot use it; use cpu or auto") from None
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"`device` (={device}) is not there: torch finds no CUDA device; use cpu or auto")
    if chosen.type == "cuda" and chosen.index is None and "LOCAL_RANK" in os.environ:
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return chosen


def gains_by_bfloat16(device: torch.device, trained: nn.Module | None = None, allowed: Allowed = EVERYTHING) -> bool:
    """Say whether the device multiplies bfloat16 natively, which makes convolutions about twice as fast.

    CUDA: compute capability 8.0 or more (Ampere), as torch reports it, emulation not counted. CPU: the instruction sets
    AVX512-BF16 or AMX-BF16, as torch reports them or, where torch does not say, as /proc/cpuinfo lists them. Without
    them bfloat16 works but is emulated and slower than float32. Where a virtual machine hides AMX from torch, our own
    kernels use it (`casecnn.kernels.amx`) as far as `allowed`; they gain nothing in training a net most of whose
    convolutions are narrow or have a stride: `trained` is the net, if it is for training. Other devices: no.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    if allowed.hidden_tiles:
        return allowed.own_tiles if trained is None else dispatch.trains_most(trained, allowed)
    probes = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    if all(probes):
        return any(probe() for probe in probes if probe is not None)
    return bool(set(cpuinfo().split()) & {"avx512_bf16", "amx_bf16"})


def dtype_for(
    precision: str, device: torch.device, trained: nn.Module | None = None, allowed: Allowed = EVERYTHING
) -> torch.dtype:
    """Return the dtype that "float32", "bfloat16" or "auto" means: bfloat16 where `gains_by_bfloat16` says so."""
    half = precision == "bfloat16" or (precision == "auto" and gains_by_bfloat16(device, trained, allowed))
    return torch.bfloat16 if half else torch.float32


def choose_channels_last(wanted: bool | str, device: torch.device, dtype: torch.dtype) -> bool:
    """Say whether 4-dimensional tensors are laid out NHWC in memory (their shape stays NCHW).

    ``wanted`` "auto": on the CPU always (1.05 to 1.3 times as fast for training convolutions on oneDNN), on CUDA with
    bfloat16 (tensor cores read NHWC), else not.
    """
    if wanted == "auto":
        return device.type == "cpu" or (device.type == "cuda" and dtype == torch.bfloat16)
    return bool(wanted)


def autocast(
    device: str | torch.device = "auto", precision: str = "auto", allowed: Allowed = EVERYTHING
) -> torch.autocast:
    """A context in which convolutions and products run in `precision` ("auto", "float32", "bfloat16") on `device`."""
    chosen = choose_device(device)
    return torch.autocast(
        chosen.type, torch.bfloat16, enabled=dtype_for(precision, chosen, None, allowed) == torch.bfloat16
    )

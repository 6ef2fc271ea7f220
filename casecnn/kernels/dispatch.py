"""The one way in: which kernel does a convolution on this machine, for inference and in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from casecnn.kernels import onednn
from casecnn.kernels.allowed import EVERYTHING, Allowed
from casecnn.kernels.convolution import Convolution, Kernel
from casecnn.layers.shapes import Pair


def inference(convolution: Convolution, allowed: Allowed = EVERYTHING) -> Kernel | None:
    """Return the kernel for a convolution on the CPU at inference; None: leave it to torch."""
    if convolution.weight.dtype == torch.bfloat16 and allowed.own_tiles:
        from casecnn.kernels import amx_convolution  # numba takes its time to load

        if amx_convolution.fits(convolution):
            return amx_convolution.TileConvolution(convolution)
    if not allowed.prepacked or not onednn.fits(convolution):
        return None
    tiles = convolution.weight.dtype == torch.bfloat16 and has_tiles(allowed)  # they are faster still
    if allowed.winograd and not tiles and _wide(convolution):
        from casecnn.kernels import winograd  # numba takes its time to load

        if winograd.fits(convolution):
            return winograd.WinogradConvolution(convolution, onednn.PrepackedConvolution(convolution))
    return onednn.PrepackedConvolution(convolution)


def _wide(convolution: Convolution) -> bool:
    """Whether it is worth it to load numba and see."""
    return min(convolution.kernel) >= 3 and min(convolution.weight.shape[:2]) >= 8


def chain(kernels: Sequence[Kernel]) -> Callable[[Tensor], Tensor]:
    """Return one function for kernels that stand one after the other; each `follows` the one before it."""
    from casecnn.kernels.amx_chain import TileChain  # numba takes its time to load
    from casecnn.kernels.amx_convolution import TileConvolution
    from casecnn.kernels.winograd import WinogradChain, WinogradConvolution

    by_tiles = [kernel for kernel in kernels if isinstance(kernel, TileConvolution)]
    if by_tiles:
        return TileChain(by_tiles)
    return WinogradChain([kernel for kernel in kernels if isinstance(kernel, WinogradConvolution)])


def training(x: Tensor, convolution: Convolution, padding: Pair, allowed: Allowed = EVERYTHING) -> Tensor | None:
    """The convolution of x in bfloat16 by a kernel that has gradients; ReLU is applied, another activation is not.

    None: leave it to torch, in float32, since only tiles make bfloat16 the faster one here.
    """
    if not allowed.own_tiles:
        return None
    from casecnn.kernels import amx_gradients  # numba takes its time to load

    if not amx_gradients.fits(convolution, padding, len(x)):
        return None
    relu = convolution.activation == "relu"
    return amx_gradients.conv2d(x, convolution.weight, convolution.bias, padding, relu)


def trains_most(net: nn.Module, allowed: Allowed = EVERYTHING) -> bool:
    """Whether `training` has a kernel for at least half of a net's convolutions, for large enough batches."""
    if not allowed.own_tiles:
        return False
    from casecnn.kernels import amx_gradients  # numba takes its time to load

    return amx_gradients.fit_most(net)


def has_tiles(allowed: Allowed = EVERYTHING) -> bool:
    """Whether convolutions in bfloat16 run on AMX tiles here, by oneDNN or by our own kernels."""
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return allowed.own_tiles or bool(probe and probe())

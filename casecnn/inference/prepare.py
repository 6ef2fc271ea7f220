"""A trained net made ready for inference on a device: BatchNorm folded, number format, memory layout, kernels.

On a CPU each convolution goes to the kernel that `casecnn.kernels.dispatch` names, which does its bias, its activation
and the sum of a shortcut in the same pass over memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn.heap import keep_freed_memory
from casecnn.inference.stretches import join
from casecnn.kernels import dispatch
from casecnn.kernels.allowed import EVERYTHING, Allowed
from casecnn.kernels.convolution import Kernel
from casecnn.kernels.threads import FREE_CORES, FreeCores
from casecnn.torch_net.build import Network
from casecnn.torch_net.composite import Chain, Residual
from casecnn.torch_net.convolution import Conv
from casecnn.torch_net.fuse import fuse
from casecnn.torch_net.normalisation import LocalResponseNorm
from casecnn.torch_net.padding import Windows
from casecnn.torch_net.pooling import GlobalMeanPool, MaxPool, MeanPool

POOLS = (MaxPool, MeanPool, GlobalMeanPool, LocalResponseNorm)
FEW = 10  # inputs that are done before numba is imported and the weights for Winograd's convolution are transformed


def prepare(
    module: nn.Module,
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
    allowed: Allowed = EVERYTHING,
    inputs: int | None = None,
) -> nn.Module:
    """Return a copy of a built module for inference alone, in ``dtype`` on ``device`` (None: where it is).

    It takes what the module takes, in ``dtype``, and gives the same up to rounding; inputs are fastest channels last.
    ``allowed`` says which kernels it may use; ``inputs`` how many inputs there will be in all, if that is known: for
    a few, kernels that take longer to load than they save are left out. The module stays as it was; the copy's state
    dict is not for saving.
    """
    fast: nn.Module = fuse(module).to(device, dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    on_cpu = all(parameter.device.type == "cpu" for parameter in fast.parameters())
    if not on_cpu:
        return fast
    if allowed.keep_memory:
        keep_freed_memory()
    if allowed.fewer_threads:
        YieldCores(fast)
    if inputs is not None and inputs < FEW:
        allowed = replace(allowed, winograd=False, stretches=False)
    return pack(fast, allowed)


class YieldCores:
    """Hooks that let a module compute with fewer threads of torch while other programs keep cores busy."""

    def __init__(self, module: nn.Module, free: FreeCores = FREE_CORES) -> None:
        self._free = free
        self._before: dict[int, int] = {}  # what calls found set, by the thread of Python that makes them
        module.register_forward_pre_hook(self.enter)
        module.register_forward_hook(self.leave, always_call=True)

    def enter(self, module: nn.Module, inputs: object) -> None:
        """Set fewer threads, if fewer cores are free."""
        most = torch.get_num_threads()
        fitting = self._free.threads(most)
        if fitting < most:
            self._before[threading.get_ident()] = most
            torch.set_num_threads(fitting)

    def leave(self, module: nn.Module, inputs: object, output: object) -> None:
        """Set as many as there were."""
        most = self._before.pop(threading.get_ident(), None)
        if most is not None:
            torch.set_num_threads(most)


class PreparedConv(nn.Module):
    """Conv by a kernel: [N, C, H, W] to [N, channels, H', W'], with its activation."""

    def __init__(self, conv: Conv, kernel: Kernel) -> None:
        super().__init__()
        self.layer, self.activation, self.bias, self.kernel = conv.layer, conv.activation, conv.bias, kernel
        self.windows = Windows(conv.layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.kernel(*self.windows.padded(x))

    def add_to(self, side: Tensor, x: Tensor, relu: bool) -> Tensor:
        """The convolution of x plus `side`, ReLU after the sum if wanted; the result overwrites `side`."""
        return self.kernel.add_to(side, *self.windows.padded(x), relu)


class PreparedChain(nn.Module):
    """Convolutions one after the other in one call."""

    def __init__(self, kernel: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        return self.kernel(x)


class PreparedResidual(nn.Module):
    """Residual whose last convolution adds the shortcut. With `own` its input may be overwritten."""

    def __init__(self, block: Residual, body: list[nn.Module], last: PreparedConv, own: bool) -> None:
        super().__init__()
        self.body, self.last = nn.Sequential(*body), last
        self.shortcut, self.stride, self.activation, self.own = block.shortcut, block.stride, block.activation, own

    def forward(self, x: Tensor) -> Tensor:
        y, side = self.body(x), self.shortcut(x)
        channels = self.last.layer.channels
        if self.stride != (1, 1) and side is x or side.shape[1] != channels:  # option A
            side = side[:, :, :: self.stride[0], :: self.stride[1]]
            side = F.pad(side, (0, 0, 0, 0, 0, channels - side.shape[1]))
        if side is x and (not self.own or y.data_ptr() == x.data_ptr()):  # one convolution alone reads x itself
            side = x.clone()
        side = side.contiguous(memory_format=torch.channels_last)
        return self.last.add_to(side, y, self.activation == "relu")


def pack(module: nn.Module, allowed: Allowed = EVERYTHING) -> nn.Module:
    """Exchange the convolutions of a fused net on the CPU, in place, where there is a kernel.

    So are poolings and normalisation. Other layers stay, unless the net is so small that one call does them, too.
    Returns the module, or what stands in its place. The net is then for inference alone; the input is never
    overwritten.
    """
    joined = join(module, allowed) if isinstance(module, Network) else module
    _exchange(module, False, allowed)
    if isinstance(module, Network):
        _chain_up(module)
    return joined


def _exchange(module: nn.Module, own: bool, allowed: Allowed) -> None:
    """`own` says that nothing else needs the module's input."""
    straight = isinstance(module, Chain | Network)
    for name, part in list(module.named_children()):
        if isinstance(part, Conv):
            kernel = dispatch.inference(part.facts(), allowed)
            if kernel is not None:
                setattr(module, name, PreparedConv(part, kernel))
        elif isinstance(part, Residual):
            _exchange(part, False, allowed)
            setattr(module, name, _residual(part, own and straight))
        elif allowed.stretches and isinstance(part, POOLS):
            from casecnn.inference.maps import prepared  # numba takes its time to load

            setattr(module, name, prepared(part))
        else:
            _exchange(part, own and straight, allowed)
        own = own or isinstance(part, Conv | Residual)  # their output is new


def _residual(block: Residual, own: bool) -> nn.Module:
    *body, last = (part for part in block.body.children() if not isinstance(part, nn.Identity))
    if isinstance(last, PreparedConv) and last.activation is None and block.activation in (None, "relu"):
        return PreparedResidual(block, body, last, own)
    return block


def _chain_up(module: nn.Module) -> None:
    """Exchange convolutions whose kernels follow each other for one chain, which stands at the first one's name."""
    run: list[tuple[str, Kernel]] = []
    for name, part in [*module.named_children(), ("", nn.Module())]:
        if isinstance(part, nn.Identity):
            continue
        kernel = part.kernel if isinstance(part, PreparedConv) else None
        if kernel is not None and run and kernel.follows(run[-1][1]):
            run.append((name, kernel))
            continue
        if len(run) > 1:
            for other, _ in run:
                setattr(module, other, nn.Identity())
            setattr(module, run[0][0], PreparedChain(dispatch.chain([kernel for _, kernel in run])))
        run = [(name, kernel)] if kernel is not None and kernel.follows(None) else []

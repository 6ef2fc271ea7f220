"""Convolutions for inference on a CPU, one call of oneDNN for each with its bias, activation and the sum of a shortcut.

torch's own layers run these one after the other, each with a pass over memory and a new output; on large maps that
takes as long as the convolution. The operators are those that torch.compile puts into the nets it freezes, called
without compiling anything. They take weights laid out beforehand, and none of their work can be differentiated.
"""

from __future__ import annotations

import sys
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn.kernels.padding import padded_for
from casecnn.layers.shapes import Pair, pair
from casecnn.torch_net.build import Network
from casecnn.torch_net.modules import Chain, Convolution, ResidualBlock, activated
from casecnn.torch_net.precision import HIDDEN_TILES

_ACTIVATIONS = {None: "none", "relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid"}


class PackedConvolution(nn.Module):
    """Convolution: [N, C, H, W] to [N, channels, H', W'], with its activation."""

    def __init__(self, conv: Convolution) -> None:
        super().__init__()
        self.layer, self.activation, self.bias = conv.layer, conv.activation, conv.bias
        self.stride, self.dilation, self.groups = pair(conv.layer.stride), pair(conv.layer.dilation), conv.groups
        rows, columns = pair(conv.layer.kernel)
        self.packed = _laid_out(conv.weight, (rows // 2, columns // 2), self.stride, self.dilation, self.groups)

    def forward(self, x: Tensor) -> Tensor:
        x, padding = padded_for(x, self.layer)
        return torch.ops.mkldnn._convolution_pointwise(
            x, self.packed, self.bias, padding, self.stride, self.dilation, self.groups,
            _ACTIVATIONS[self.activation], [], "",
        )  # fmt: skip

    def add_to(self, side: Tensor, x: Tensor, relu: bool) -> Tensor:
        """The convolution of x plus `side`, ReLU after the sum if wanted; the result overwrites `side`."""
        x, padding = padded_for(x, self.layer)
        return torch.ops.mkldnn._convolution_pointwise_.binary(
            side, x, self.packed, self.bias, padding, self.stride, self.dilation, self.groups,
            "add", 1.0, "relu" if relu else None, [], "",
        )  # fmt: skip


class PackedResidual(nn.Module):
    """ResidualBlock whose last convolution adds the shortcut. With `own` its input may be overwritten."""

    def __init__(self, block: ResidualBlock, own: bool) -> None:
        super().__init__()
        parts = [part for part in block.body.children() if not isinstance(part, nn.Identity)]
        self.body, self.last = nn.Sequential(*parts[:-1]), parts[-1]
        self.shortcut, self.stride, self.activation, self.own = block.shortcut, block.stride, block.activation, own

    def forward(self, x: Tensor) -> Tensor:
        y, side = self.body(x), self.shortcut(x)
        channels = self.last.layer.channels  # type: ignore[union-attr]
        if self.stride != (1, 1) and side is x or side.shape[1] != channels:  # option A
            side = side[:, :, :: self.stride[0], :: self.stride[1]]
            side = F.pad(side, (0, 0, 0, 0, 0, channels - side.shape[1]))
        if side is x and (not self.own or y.data_ptr() == x.data_ptr()):  # one convolution alone reads x itself
            side = x.clone()
        side = side.contiguous(memory_format=torch.channels_last)
        return self.last.add_to(side, y, self.activation == "relu")  # type: ignore[operator]


def pack(module: nn.Module) -> nn.Module:
    """Exchange the convolutions of a fused net on the CPU, in place, where this torch can; the module is returned.

    In bfloat16, where a virtual machine hides AMX from torch, they go to `casecnn.kernels.amx_convolution`. Other
    layers stay. The net is then for inference alone; the input is never overwritten.
    """
    _pack(module, own=False)
    if isinstance(module, Network):
        _chain_up(module)
    return module


def _pack(module: nn.Module, own: bool) -> None:
    """`own` says that nothing else needs the module's input."""
    straight = isinstance(module, Chain | Network)
    for name, part in list(module.named_children()):
        if isinstance(part, Convolution):
            setattr(module, name, _convolution(part))
        elif isinstance(part, ResidualBlock):
            _pack(part, own=False)
            setattr(module, name, _residual(part, own and straight))
        else:
            _pack(part, own and straight)
        own = own or isinstance(part, Convolution | ResidualBlock)  # their output is new


def _chain_up(module: nn.Module) -> None:
    """Exchange convolutions on tiles that follow each other for one chain, which stands at the first one's name."""
    if "casecnn.kernels.amx_convolution" not in sys.modules:  # there are none
        return
    from casecnn.kernels.amx_chain import TileChain, follows
    from casecnn.kernels.amx_convolution import TileConvolution

    run: list[tuple[str, TileConvolution]] = []
    for name, part in [*module.named_children(), ("", nn.Module())]:
        if isinstance(part, nn.Identity):
            continue
        if isinstance(part, TileConvolution) and run and follows(part, run[-1][1]):
            run.append((name, part))
            continue
        if len(run) > 1:
            for other, _ in run:
                setattr(module, other, nn.Identity())
            setattr(module, run[0][0], TileChain([conv for _, conv in run]))
        run = [(name, part)] if isinstance(part, TileConvolution) and follows(part) else []


def _convolution(conv: Convolution) -> nn.Module:
    if HIDDEN_TILES and conv.weight.dtype == torch.bfloat16:
        from casecnn.kernels import amx_convolution as tile_convolution  # numba takes its time to load

        if tile_convolution.fits(conv):
            return tile_convolution.TileConvolution(conv)
    if conv.activation in _ACTIVATIONS and can_pack(conv.weight.dtype):
        return PackedConvolution(conv)
    return conv


def _residual(block: ResidualBlock, own: bool) -> nn.Module:
    parts = [part for part in block.body.children() if not isinstance(part, nn.Identity)]
    adds = hasattr(parts[-1], "add_to") and parts[-1].activation is None
    return PackedResidual(block, own) if adds and block.activation in (None, "relu") else block


def _laid_out(weight: Tensor, padding: Pair, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    dense = weight.detach().to_mkldnn()
    return torch._C._nn.mkldnn_reorder_conv2d_weight(dense, [*padding], [*stride], [*dilation], groups)


@cache
def can_pack(dtype: torch.dtype) -> bool:
    """Whether this torch has the operators and this CPU runs them in that number format, found out by trying."""
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(*shape, generator=generator).to(dtype) for shape in ((1, 2, 5, 5), (3, 2, 3, 3), (3,))
    )
    try:
        with torch.inference_mode():
            packed = _laid_out(weight, (1, 1), (1, 1), (1, 1), 1)
            x = x.contiguous(memory_format=torch.channels_last)
            y = torch.ops.mkldnn._convolution_pointwise(x, packed, bias, (1, 1), (1, 1), (1, 1), 1, "relu", [], "")
            side = torch.ones_like(y)
            total = torch.ops.mkldnn._convolution_pointwise_.binary(
                side, x, packed, bias, (1, 1), (1, 1), (1, 1), 1, "add", 1.0, "relu", [], ""
            )
            expected = F.conv2d(x.float(), weight.float(), bias.float(), padding=1)
            return all(
                torch.allclose(found.float(), activated(wanted, "relu"), rtol=0.02, atol=0.05)
                for found, wanted in ((y, expected.clone()), (total, expected + 1))
            )
    except (RuntimeError, AttributeError, TypeError):
        return False

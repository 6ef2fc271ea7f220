"""ReLUs whose gradient is another than ReLU's, wherever in a net they are called: guided, and opened."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_RELUS = {F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}


class _GuidedReLU(torch.autograd.Function):
    """ReLU whose gradient passes only where input and gradient are positive."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.clamp_min(0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return gradients[0].clamp_min(0) * (y > 0)


class _OpenReLU(torch.autograd.Function):
    """ReLU whose gradient passes everywhere."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


class Guided(TorchFunctionMode):
    """Within the context every ReLU is one of guided backpropagation: what flows back is cut off where negative."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        if func in _RELUS:
            return _GuidedReLU.apply(args[0])
        return func(*args, **(kwargs or {}))


class Opened(TorchFunctionMode):
    """Within the context the gradient passes silent units too."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        if func in _RELUS:
            return _OpenReLU.apply(args[0])
        return func(*args, **(kwargs or {}))

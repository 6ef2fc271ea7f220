"""What tests of layers compare with: random numbers, slopes by finite differences, gradients through torch."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import settings

from casecnn.layers import Net
from casecnn.torch_net.build import build

QUICK = settings(deadline=None, max_examples=60)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def slopes(f, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """The gradient of sum(dy * f(x)) by x, by central differences, one number of x at a time."""
    dx, step = np.zeros_like(x), 1e-6
    for index in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[index] += step
        behind[index] -= step
        dx[index] = (dy * (f(ahead) - f(behind))).sum() / (2 * step)
    return dx


def close(got, want) -> bool:
    return np.allclose(got, want, rtol=1e-6, atol=1e-7)


def through_torch(layer, x: np.ndarray, seed: int = 1):
    """The built layer in float64 on x: its output, a random dy, torch's gradients of sum(dy * y), the parameters."""
    module = build(Net("n", x.shape[1:], (layer,)), logits=False, seed=seed).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(numbers(*parameter.shape, seed=parameter.dim())))
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    y = module(tensor)
    dy = numbers(*y.shape, seed=seed)
    y.backward(torch.from_numpy(dy))
    gradients = {name.split(".")[-1]: p.grad.numpy() for name, p in module.named_parameters()}
    values = {name.split(".")[-1]: p.detach().numpy() for name, p in module.named_parameters()}
    return y.detach().numpy(), dy, gradients | {"input": tensor.grad.numpy()}, values

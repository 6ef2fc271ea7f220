"""Muon: momentum updates made orthogonal by Newton-Schulz, for the matrices and convolutions inside a net.

Source: Jordan, Jin, Boza, You, Cesista, Newhouse, Bernstein: "Muon: an optimizer for hidden layers in neural networks"
(2024), https://kellerjordan.github.io/posts/muon/. Weights with more than two dimensions count as [out, rest].
`torch.optim.Muon` takes matrices only and needs a newer torch than this package does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # quintic with a steep start at 0 (Jordan et al. 2024)


def orthogonalize(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Return the nearly orthogonal factor U Vᵀ of each matrix U S Vᵀ.

    `matrices`: float [..., rows, columns]; the result has the same shape, in float32, with singular values between
    about 0.7 and 1.2 (the quintic trades exactness for speed); those of directions that carry nothing stay near 0.

    With X the matrix of fewer rows than columns (else its transpose), an iteration is X <- (aI + bA + cA²) X, A = XXᵀ.
    All factors are polynomials in the first A, so they commute and are multiplied up in the small [rows, rows] space;
    X itself is touched twice instead of ten times. In float32 throughout: the Gram form needs more than bfloat16.
    """
    a, b, c = COEFFICIENTS
    x = matrices.float()
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)  # largest singular value at most 1
    gram = x @ x.mT
    eye = torch.eye(x.size(-2), dtype=x.dtype, device=x.device)
    product = eye
    for i in range(iterations):
        factor = a * eye + b * gram + c * (gram @ gram)
        product = factor @ product
        if i + 1 < iterations:
            gram = factor @ gram @ factor
            gram = 0.5 * (gram + gram.mT)  # rounding must not break the symmetry
    x = product @ x
    turned: Tensor = x.mT if tall else x
    return turned


class Muon(torch.optim.Optimizer):
    """Stochastic gradient descent with momentum whose update of each weight is made orthogonal.

    `params`: weights with at least two dimensions (others raise `ValueError`). An update is
    w <- (1 - lr·weight_decay)·w - lr·sqrt(max(1, out/rest))·O, with O from `orthogonalize`. Weights of one shape are
    handled in one batched product. The momentum is in `state_dict`. Nothing is shared out between processes: under
    DDP each does the same small work.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, dict(lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay))
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.ndim < 2:
                    raise ValueError(f"Muon takes weights of two or more dimensions, got shape {tuple(weight.shape)}")

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Do one update; weights without a gradient are left alone."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[(weight.size(0), weight.numel() // weight.size(0))].append(weight)
            for (out, rest), weights in by_shape.items():
                updates = torch.stack([self._update(weight, group).reshape(out, rest) for weight in weights])
                updates = orthogonalize(updates)
                rate = group["lr"] * max(1.0, out / rest) ** 0.5
                for weight, update in zip(weights, updates, strict=True):
                    weight.mul_(1.0 - group["lr"] * group["weight_decay"])
                    weight.add_(update.reshape(weight.shape).to(weight.dtype), alpha=-rate)
        return loss

    def _update(self, weight: Tensor, group: dict[str, Any]) -> Tensor:
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        buffer = state["momentum_buffer"]
        buffer.lerp_(weight.grad, 1.0 - group["momentum"])
        return weight.grad.lerp(buffer, group["momentum"]) if group["nesterov"] else buffer

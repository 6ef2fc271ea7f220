"""A policy net that learns with shortcuts and AlphaGo's plain layers: from the one to the other and back."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from casecnn.layers.normalisation import BatchNorm

EPSILON = BatchNorm("norm").epsilon


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `policy_net` that computes what one of `policy_net_with_shortcuts` does at inference.

    Each layer is a sum of linear maps of one input, so it is one convolution: the 1x1 kernel and the identity are 3x3
    kernels with zeros around their centre, and a BatchNorm is a factor and a shift of each channel. Exact up to
    rounding, borders of the board included, since every part pads with zeros and adds its shift after that.
    """
    plain = {name: tensor for name, tensor in tensors.items() if name.count(".") == 1}
    for name in dict.fromkeys(name.split(".")[0] for name in tensors if name.count(".") > 1):
        inner = f"{name}.body.sum" if f"{name}.body.sum.body.conv.weight" in tensors else name
        weight, bias = _scaled(tensors, f"{inner}.body")
        side, shift = _scaled(tensors, f"{inner}.shortcut")
        centre = weight.shape[-1] // 2
        weight[:, :, centre, centre] += side[:, :, 0, 0]
        if inner != name:
            weight[:, :, centre, centre] += torch.eye(len(weight), dtype=weight.dtype)
        plain[f"{name}.weight"], plain[f"{name}.bias"] = weight.float(), (bias + shift).float()
    return plain


def _scaled(tensors: Mapping[str, Tensor], path: str) -> tuple[Tensor, Tensor]:
    """The kernel and the bias of a convolution and the BatchNorm after it, in float64 on the CPU."""
    conv, scale, shift, mean, variance = (
        tensors[f"{path}.{name}"].detach().cpu().double()
        for name in ("conv.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")
    )
    factor = scale / torch.sqrt(variance + EPSILON)
    return conv * factor[:, None, None, None], shift - mean * factor


def unfolded(plain: Mapping[str, Tensor], planes: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """The state dict of `policy_net_with_shortcuts` that computes what plain tensors of `policy_net` do.

    A plain net has many such forms; this one is made to learn on. `planes` [n, 48, size, size] are positions that tell
    each BatchNorm its statistics, so that the net says nearly the same in training, too: some hundreds are enough. All
    channels are brought to a standard deviation of 1 before their ReLU. Those that no point of these positions turns on
    are drawn anew and have no say yet in the next layer, so that what the net computes stays and it has more to learn
    with.
    """
    generator = torch.Generator().manual_seed(seed)
    names = [name.removesuffix(".weight") for name in plain if name.endswith(".weight")]
    found = {name: tensor.detach().cpu().float().clone() for name, tensor in plain.items() if name.startswith("pos")}
    maps = planes.float()
    scale = torch.ones(maps.shape[1])  # of the channels of `maps`: what they were divided by
    alive = torch.ones(maps.shape[1])
    for name in names:
        weight = plain[f"{name}.weight"].detach().cpu().float() * (scale * alive)[None, :, None, None]
        if name == names[-1]:
            found[f"{name}.weight"] = weight
            break
        bias = plain[f"{name}.bias"].detach().cpu().float()
        before = functional.conv2d(maps, weight, bias, padding=weight.shape[-1] // 2)
        alive = (before.amax((0, 2, 3)) > 0).float()
        fresh = torch.randn(weight.shape, generator=generator) / math.sqrt(weight[0].numel())
        weight = torch.where(alive.bool()[:, None, None, None], weight, fresh)
        bias = bias * alive
        before = functional.conv2d(maps, weight, bias, padding=weight.shape[-1] // 2)
        bias = bias - before.mean((0, 2, 3)) * (1 - alive)
        scale = before.std((0, 2, 3)).clamp_min(1e-6)
        weight, bias = weight / scale[:, None, None, None], bias / scale
        residual = name != names[0]
        inner = f"{name}.body.sum" if residual else name
        kernel = weight.clone()
        if residual:
            centre = weight.shape[-1] // 2
            kernel[:, :, centre, centre] -= torch.eye(len(weight))
        length = kernel.flatten(1).norm(dim=1).clamp_min(1e-6) / math.sqrt(2)  # as long as drawn weights are
        kernel /= length[:, None, None, None]
        body = functional.conv2d(maps, kernel, padding=weight.shape[-1] // 2)
        mean, variance = body.mean((0, 2, 3)), body.var((0, 2, 3))
        side = torch.randn(len(weight), weight.shape[1], 1, 1, generator=generator) * math.sqrt(2 / weight.shape[1])
        seen = functional.conv2d(maps, side)
        found |= {
            f"{inner}.body.conv.weight": kernel,
            f"{inner}.body.norm.weight": length * torch.sqrt(variance + EPSILON),
            f"{inner}.body.norm.bias": bias + length * mean,
            f"{inner}.body.norm.running_mean": mean,
            f"{inner}.body.norm.running_var": variance,
            f"{inner}.shortcut.conv.weight": side,
            f"{inner}.shortcut.norm.weight": torch.zeros(len(weight)),
            f"{inner}.shortcut.norm.bias": torch.zeros(len(weight)),
            f"{inner}.shortcut.norm.running_mean": seen.mean((0, 2, 3)),
            f"{inner}.shortcut.norm.running_var": seen.var((0, 2, 3)),
        }
        found |= {f"{inner}.{part}.norm.num_batches_tracked": torch.tensor(0) for part in ("body", "shortcut")}
        maps = functional.conv2d(maps, weight, bias, padding=weight.shape[-1] // 2).relu()
    return found

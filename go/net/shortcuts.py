"""A policy net that was trained with shortcuts, folded into AlphaGo's plain layers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

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

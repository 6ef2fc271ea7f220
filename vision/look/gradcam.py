"""Grad-CAM (Selvaraju et al. 2017): where in an image the evidence for a class lies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn.errors import UsageError
from casecnn.layers.net import Net
from casecnn.torch_net.build import Network


@dataclass(frozen=True)
class HeatMaps:
    """Grad-CAM of a batch.

    `maps` float32 [n, h, w], at least 0, in the units of the logits; `classes` int64 [n] that they are for;
    `probabilities` float32 [n] of those classes; `layer` that they were taken at.
    """

    maps: Tensor
    classes: Tensor
    probabilities: Tensor
    layer: str

    def enlarged(self, height: int, width: int) -> Tensor:
        """The maps at the images' size, bilinear, each divided by its own largest value: [n, height, width], 0 to 1."""
        large = F.interpolate(self.maps[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]
        return large / large.amax((1, 2), keepdim=True).clamp_min(1e-12)


def last_maps(net: Net) -> str:
    """The layer that Grad-CAM is usually taken at: the last convolution, or whole block, with maps of several cells.

    A part of a residual block or of a branch does not count: it holds only a share of the evidence.
    Raises UsageError for a net that has none.
    """
    blocks = tuple(f"{row.name}." for row in net.rows if row.kind in ("Residual", "Branches"))
    for row in reversed([row for row in net.rows if not row.auxiliary]):
        whole = not row.name.startswith(blocks) and row.kind not in ("MaxPool", "MeanPool", "LocalResponseNorm")
        if whole and len(row.output_shape) == 3 and min(row.output_shape[1:]) > 1:
            return row.name
    raise UsageError(f"net `{net.name}` has no layer with maps of several cells; Grad-CAM needs one")


def grad_cam(network: Network, images: Tensor, classes: Tensor | None = None, layer: str | None = None) -> HeatMaps:
    """The evidence for `classes` int64 [n] (by default each image's most probable one) in images [n, C, H, W].

    With A the maps of `layer` (by default `last_maps`) and y the class's logit: a_k = mean over cells of dy/dA_k, and
    the map is ReLU(sum_k a_k A_k) (equations 1 and 2). The net is used in evaluation mode and left as it was.
    Raises UsageError for a layer whose output is no map, InputError for a name that the net lacks.
    """
    net = network.declaration
    layer = last_maps(net) if layer is None else layer
    if len(net.row(layer).output_shape) != 3 or net.row(layer).auxiliary:
        raise UsageError(f"layer `{layer}` gives no maps, so Grad-CAM cannot be taken there; try `{last_maps(net)}`")
    kept: list[Tensor] = []

    def keep(module: nn.Module, arguments: tuple, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[-1].clone()  # what follows may overwrite it in place

    training = network.training
    handle = network.get_submodule(layer).register_forward_hook(keep)
    try:
        network.eval()
        with torch.enable_grad():
            logits = network(images).float()
            chosen = logits.argmax(1) if classes is None else torch.as_tensor(classes, device=logits.device)
            if len(chosen) and not 0 <= int(chosen.min()) <= int(chosen.max()) < logits.shape[1]:
                raise UsageError(f"`classes` (={chosen.tolist()}) must be from 0 to {logits.shape[1] - 1}")
            (slopes,) = torch.autograd.grad(logits.gather(1, chosen[:, None]).sum(), kept[0])
    finally:
        handle.remove()
        network.train(training)
    weights = slopes.mean((2, 3), keepdim=True)
    maps = F.relu((weights * kept[0].detach()).sum(1)).float()
    probabilities = logits.detach().softmax(1).gather(1, chosen[:, None])[:, 0]
    return HeatMaps(maps, chosen, probabilities, layer)

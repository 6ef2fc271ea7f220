"""Feature inversion (Mahendran and Vedaldi 2015): the image that a layer's features tell, found anew from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from casecnn.checks import whole
from casecnn.layers.net import Net
from casecnn.torch_net.build import Network
from casecnn.vision.look.canvas import Canvas, output_at, total_variation
from casecnn.vision.pipeline.images import normalised
from casecnn.vision.pipeline.preprocess import Preprocess

STEPS = 200
RATE = 0.08
SMOOTH = 2.0
"""How much the total variation of the pixels counts beside the relative distance of the features."""


@dataclass(frozen=True)
class Inverted:
    """An image whose features are nearly those of another.

    `image` uint8 [height, width, channels]; `distance` is |F(image) - F(original)| / |F(original)|, Euclidean, for the
    features F of the layer: 0 where nothing is missing.
    """

    image: np.ndarray
    distance: float


def invert(
    network: Network, preprocess: Preprocess, pixels: np.ndarray, layer: str, *, steps: int = STEPS, seed: int = 0
) -> Inverted:
    """Find an image with the features of `pixels`, uint8 [height, width, channels], at `layer`, starting from grey.

    The squared relative distance of the features and the total variation of the pixels are made small together. The
    same seed gives the same image. The net is used in evaluation mode and left as it was. Raises UsageError for a
    number of steps below 1.
    """
    whole("steps", steps, 1)
    canvas = Canvas(preprocess, 1, torch.Generator().manual_seed(seed))
    training = network.training
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    try:
        network.eval().requires_grad_(False)
        with torch.no_grad():
            goal = output_at(network, layer, normalised(pixels[None], preprocess))
        size = goal.square().sum().clamp_min(1e-12)

        def loss(found: Tensor, step: int) -> Tensor:
            missing = (output_at(network, layer, canvas.inputs(found)) - goal).square().sum() / size
            return missing + SMOOTH * total_variation(found)

        canvas.search(loss, steps, RATE, "inversion")
        image = canvas.images()
        with torch.no_grad():
            left = (output_at(network, layer, normalised(image, preprocess)) - goal).square().sum() / size
    finally:
        network.train(training)
        for parameter, learns in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(learns)
    return Inverted(image[0], float(left.sqrt()))


def depths(net: Net, most: int = 5) -> list[str]:
    """Return up to `most` layers from the first convolution to the logits, evenly spread: whole blocks, no parts."""
    blocks = tuple(f"{row.name}." for row in net.rows if row.kind in ("Residual", "Branches"))
    names = [
        row.name
        for row in net.rows
        if not row.auxiliary
        and not row.name.startswith(blocks)
        and row.kind in ("Conv", "TableConv", "Residual", "Branches", "Linear", "RadialBasis")
    ]
    if len(names) <= most:
        return names
    return [names[round(place * (len(names) - 1) / (most - 1))] for place in range(most)]

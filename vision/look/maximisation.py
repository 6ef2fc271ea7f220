"""Activation maximisation (Erhan 2009, Simonyan 2014): images made to excite a class or a feature map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from casecnn.checks import whole
from casecnn.torch_net.build import Network
from casecnn.vision.look.canvas import Canvas, moved, output_at
from casecnn.vision.look.relu_gradients import Opened
from casecnn.vision.pipeline.images import normalised
from casecnn.vision.pipeline.preprocess import Preprocess

STEPS = 160
RATE = 0.05
OPEN = 16
"""Steps in which silent units let the gradient pass, so that an ascent can begin where nothing answers yet."""


@dataclass(frozen=True)
class Maximised:
    """What was found for each unit.

    `images` uint8 [n, height, width, channels]; `before` and `after` float32 [n]: what the unit answers to the almost
    grey image of the start and to the one that was found: a class's logit, or the mean of a feature map.
    """

    images: np.ndarray
    before: np.ndarray
    after: np.ndarray


def maximise(
    network: Network,
    preprocess: Preprocess,
    units: Sequence[int],
    layer: str | None = None,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Maximised:
    """Find an image for each of `units`: outputs of the net, or feature maps (or units) of `layer`.

    The images are moved a little at random in every step. The same seed gives the same images. The net is used in
    evaluation mode and left as it was. Raises UsageError for a unit that the layer lacks or a number of steps below 1.
    """
    whole("steps", steps, 1)
    net = network.declaration
    width = net.output_shape[0] if layer is None else net.row(layer).output_shape[0]
    for unit in units:
        whole("target" if layer is None else "channels", unit, 0, width - 1)
    generator = torch.Generator().manual_seed(seed)
    canvas = Canvas(preprocess, len(units), generator)
    places = torch.arange(len(units)), torch.tensor(units)

    def answers(inputs: Tensor) -> Tensor:
        output = output_at(network, layer, inputs)
        return output[places].flatten(1).mean(1) if output.dim() > 2 else output[places]

    def loss(pixels: Tensor, step: int) -> Tensor:
        inputs = canvas.inputs(moved(pixels, generator))
        if step >= OPEN:
            return -answers(inputs).sum()
        with Opened():
            return -answers(inputs).sum()

    training = network.training
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    try:
        network.eval().requires_grad_(False)
        with torch.no_grad():
            before = answers(normalised(canvas.images(), preprocess))
        canvas.search(loss, steps, RATE, "ascent")
        images = canvas.images()
        with torch.no_grad():
            after = answers(normalised(images, preprocess))
    finally:
        network.train(training)
        for parameter, learns in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(learns)
    return Maximised(images, before.numpy(), after.numpy())

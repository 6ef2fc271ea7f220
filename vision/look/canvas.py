"""Images as the unknown of a search: numbers in frequencies and colours that photographs have, and steps upwards."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from casecnn.console import progress
from casecnn.torch_net.build import Network
from casecnn.vision.pipeline.preprocess import Preprocess

COLOURS = ((0.57, 0.57, 0.57), (0.2, 0.0, -0.2), (0.06, -0.12, 0.06))
"""Light, red against blue, green against both: the axes of colour in photographs, the weaker ones smaller."""

START = 0.01
"""The spread of the numbers that a search begins with: nearly grey."""


class Canvas:
    """`count` images to be found, made of the numbers `values`: waves, the finer the fainter.

    With plain pixels as the unknown an ascent finds noise that a net answers to; numbers for waves, weighted by
    1 / frequency, and for uncorrelated colours lead it to images (Olah, Mordvintsev and Schubert, "Feature
    Visualization", Distill 2017). Values of pixels are kept from 0 to 1 by a sigmoid whose middle is the data's mean.
    """

    def __init__(self, preprocess: Preprocess, count: int, generator: torch.Generator) -> None:
        height, width = preprocess.crop
        rows, columns = torch.fft.fftfreq(height), torch.fft.rfftfreq(width)
        frequency = (rows[:, None] ** 2 + columns[None] ** 2).sqrt().clamp_min(1 / max(height, width))
        self._scale = math.sqrt(height * width) / (frequency * max(height, width))
        self._colours = torch.tensor(COLOURS) if preprocess.channels == 3 else torch.ones(1, 1)
        mean = torch.tensor(preprocess.mean).clamp(0.05, 0.95).view(-1, 1, 1)
        self._middle = (mean / (1 - mean)).log()
        self._mean, self._std = (torch.tensor(row).view(-1, 1, 1) for row in (preprocess.mean, preprocess.std))
        self._size = height, width
        shape = (count, preprocess.channels, *frequency.shape, 2)
        self.values = (START * torch.randn(shape, generator=generator)).requires_grad_()

    def pixels(self) -> Tensor:
        """The images, float32 [count, channels, height, width] from 0 to 1."""
        spectrum = torch.view_as_complex(self.values) * self._scale
        waves = torch.fft.irfft2(spectrum, s=self._size)
        return torch.sigmoid(torch.einsum("nkhw,kc->nchw", waves * 4, self._colours) + self._middle)

    def inputs(self, pixels: Tensor) -> Tensor:
        """Pixels from 0 to 1 as a net's input."""
        return (pixels - self._mean) / self._std

    def images(self) -> np.ndarray:
        """The images as they are drawn: uint8 [count, height, width, channels]."""
        return (self.pixels().detach() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()

    def search(self, loss: Callable[[Tensor, int], Tensor], steps: int, rate: float, words: str) -> None:
        """Make `loss(pixels, step)`, a number, smaller by `steps` steps of Adam."""
        optimizer = torch.optim.Adam([self.values], lr=rate)
        with progress(steps, "step", words, delay=2) as bar, torch.enable_grad():
            for step in range(steps):
                optimizer.zero_grad()
                loss(self.pixels(), step).backward()
                optimizer.step()
                bar.update(1)


def moved(
    pixels: Tensor, generator: torch.Generator, shift: float = 0.06, zoom: float = 0.08, turn: float = 6
) -> Tensor:
    """Images shifted, enlarged and turned a little at random, each its own way; the border is mirrored.

    `shift` is a share of the side, `turn` in degrees. What a net answers to in spite of it is no single pixel's noise.
    """
    shifts = 2 * shift * (2 * torch.rand(len(pixels), 2, generator=generator) - 1)
    factors = 1 + zoom * (2 * torch.rand(len(pixels), generator=generator) - 1)
    angles = math.radians(turn) * (2 * torch.rand(len(pixels), generator=generator) - 1)
    cosine, sine = angles.cos() * factors, angles.sin() * factors
    rows = (torch.stack((cosine, -sine, shifts[:, 0]), 1), torch.stack((sine, cosine, shifts[:, 1]), 1))
    grid = F.affine_grid(torch.stack(rows, 1), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def total_variation(pixels: Tensor) -> Tensor:
    """The mean squared difference of neighbouring pixels, a number for all images together."""
    down, right = pixels[:, :, 1:] - pixels[:, :, :-1], pixels[..., 1:] - pixels[..., :-1]
    return down.square().mean() + right.square().mean()


class _Reached(Exception):  # noqa: N818 (no error: it ends a pass that has gone far enough)
    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


def output_at(network: Network, layer: str | None, inputs: Tensor) -> Tensor:
    """The output of a layer (None: the logits) for a net's inputs; what comes after it is not computed."""
    if layer is None:
        return network(inputs).float()

    def stop(module: object, arguments: object, output: Tensor) -> None:
        raise _Reached(output)

    handle = network.get_submodule(layer).register_forward_hook(stop)
    try:
        network(inputs)
    except _Reached as found:
        return found.output.float()
    finally:
        handle.remove()
    raise ValueError(f"the net never runs its layer `{layer}`")

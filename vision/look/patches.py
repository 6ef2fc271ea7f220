"""The images that a feature map answers to most strongly, and the window of each that it looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from casecnn.checks import whole
from casecnn.vision.look.deconvnet import Deconvnet
from casecnn.vision.look.receptive import Window, window
from casecnn.vision.pipeline.images import Images, in_order
from casecnn.vision.pipeline.preprocess import Preprocess


@dataclass(frozen=True)
class Patch:
    """One strong activation: `value` at (row, column) of the map for image number `picture`.

    `seen` is the window of the net's input that it depends on, which may reach into the padding.
    """

    picture: int
    row: int
    column: int
    value: float
    seen: Window


def top_patches(
    deconvnet: Deconvnet,
    layer: str,
    channels: list[int],
    images: Images,
    preprocess: Preprocess,
    count: int = 9,
    batch_size: int = 64,
    threads: int = 2,
) -> dict[int, list[Patch]]:
    """For each of `channels` of `layer`, the `count` images with the strongest activations, strongest first.

    Of each image only its strongest place counts (Zeiler and Fergus 2014, figure 2); of equal activations the first
    image's. Runs over all images once and keeps nothing but the best. Raises UsageError for a channel that the
    layer lacks or a count below 1.
    """
    whole("top", count, 1)
    net = deconvnet.net.declaration
    width = net.row(layer).output_shape[0]
    for channel in channels:
        whole("channels", channel, 0, width - 1)
    values, places, numbers = torch.empty(0, len(channels)), *(torch.empty(0, len(channels)).long() for _ in range(2))
    columns = 1
    for inputs, _, places_of in in_order(images, preprocess, batch_size, threads):
        maps = deconvnet.maps(inputs, layer)[:, channels]
        columns = maps.shape[3] if maps.dim() == 4 else 1
        strongest = maps.flatten(2).max(2) if maps.dim() == 4 else maps[..., None].max(2)
        here = torch.from_numpy(places_of)[:, None].expand(-1, len(channels))
        values, order = torch.cat([values, strongest.values]).sort(dim=0, descending=True, stable=True)
        places = torch.cat([places, strongest.indices]).gather(0, order)[:count]
        numbers = torch.cat([numbers, here]).gather(0, order)[:count]
        values = values[:count]
    found: dict[int, list[Patch]] = {}
    for place, channel in enumerate(channels):
        patches = []
        for value, cell, number in zip(*(table[:, place].tolist() for table in (values, places, numbers)), strict=True):
            row, column = divmod(int(cell), columns)
            patches.append(Patch(int(number), row, column, value, window(net, layer, row, column)))
        found[channel] = patches
    return found


def cut(pixels: np.ndarray | Tensor, seen: Window) -> np.ndarray:
    """The window of an image [height, width, channels], black where it reaches outside."""
    array = np.asarray(pixels)
    height, width = array.shape[:2]
    out = np.zeros((seen.bottom - seen.top, seen.right - seen.left, *array.shape[2:]), array.dtype)
    inner = seen.inside(height, width)
    out[inner.top - seen.top : inner.bottom - seen.top, inner.left - seen.left : inner.right - seen.left] = array[
        inner.top : inner.bottom, inner.left : inner.right
    ]
    return out

"""What a trained net has learned, drawn: filters, top patches and their projections, features and Grad-CAM."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from casecnn.checks import whole
from casecnn.choose import unknown
from casecnn.errors import UsageError
from casecnn.torch_net.build import Network
from casecnn.vision.data.labelled_images import open_data
from casecnn.vision.look.contact_sheet import Group, coloured, contact_sheet, overlaid, signed
from casecnn.vision.look.deconvnet import Deconvnet
from casecnn.vision.look.filters import first_filters
from casecnn.vision.look.gradcam import grad_cam, last_maps
from casecnn.vision.look.layers import find_layer
from casecnn.vision.look.patches import cut, top_patches
from casecnn.vision.look.saliency import pixel_gradients, saliency
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.pipeline.image_file import read_pillow
from casecnn.vision.pipeline.images import Images, Undecoded, gather, normalised
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.start import load_start

WHITE, GREY = 255, 128


@dataclass(frozen=True)
class Drawn:
    """A sheet, and what is on it as plain values."""

    sheet: Image.Image
    facts: Mapping[str, Any]


def draw(
    what: Literal["filters", "top", "deconvnet", "gradcam", "saliency", "guided"],
    name: str,
    weights: str | Path | None,
    files: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    limit: int | None = None,
    layer: str | None = None,
    channels: str | None = None,
    top: int | None = None,
    target: str | None = None,
    seed: int = 0,
) -> Drawn:
    """Load net `name` with its weights and draw `what`, of the picture `files` or of a data set.

    `channels` is a list such as "0-8,17". Raises UsageError where there are no images to draw or a number is wrong,
    InputError for a file that cannot be read.
    """
    if top is not None:
        whole("top", top, 1)
    if what != "filters" and bool(files) == (data is not None):
        raise UsageError(f"'{what}' needs either `pictures` or `data`" + (", not both" if files else "; give one"))
    start = load_start(name, weights)
    network = start.network()
    if what == "filters":
        return draw_filters(network)
    chosen = parse_channels(channels)
    if files:
        images = pictures_of(files, start.preprocess)
    else:
        assert data is not None
        opened = open_data(data)
        images = gather(opened.take(limit or (2000 if what == "top" else 4), seed), Framing(), start.preprocess)
    if what == "top":
        return draw_top_patches(network, layer, chosen, images, start.preprocess, top or 9)
    if what == "deconvnet":
        return draw_projections(network, layer, chosen, images, start.preprocess, top or 6)
    return draw_evidence(network, what, layer, images, start.preprocess, start.classes, top or 3, target)


def pictures_of(files: Sequence[str], preprocess: Preprocess) -> Undecoded:
    """Picture files to draw; raises InputError for one that cannot be read."""
    pixels = [np.asarray(read_pillow(file)) for file in files]
    return Undecoded(list(files), pixels, np.zeros(len(files), np.int64), Framing(), preprocess)


def parse_channels(text: str | None) -> list[int] | None:
    """From "0-8,17" to numbers, each once, in the order given; UsageError for anything else."""
    if text is None:
        return None
    numbers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,6})(?:-(\d{1,6}))?\s*", part)
        if found is None or (found[2] and int(found[2]) < int(found[1])):
            raise UsageError(f"`channels` (={text}) must be numbers and rising ranges, such as 0-8,17")
        numbers += range(int(found[1]), int(found[2] or found[1]) + 1)
    return list(dict.fromkeys(numbers))


def draw_filters(network: Network) -> Drawn:
    """The filters of the first convolution on one sheet."""
    name, filters = first_filters(network)
    count, height, width = filters.shape[:3]
    columns = max(4, round((count * 1.6) ** 0.5))
    longest = max(height, width)
    side = longest * max(3, min(112, 800 // columns) // longest)
    title = f"{network.declaration.name}: the {count} filters of {name}, {height}x{width}"
    sheet = contact_sheet(
        title,
        [Group("", list(filters), columns)],
        side=side,
        note="mid-grey is 0; each filter is scaled by its own largest weight",
    )
    return Drawn(sheet, {"layer": name, "filters": count, "kernel": [height, width]})


def draw_top_patches(
    network: Network,
    layer: str | None,
    channels: Sequence[int] | None,
    images: Images,
    preprocess: Preprocess,
    top: int = 9,
) -> Drawn:
    """For feature maps of a layer: the windows of the images that excite each most, and their projections.

    By default the layer that Grad-CAM would take and its first nine maps (of the maps that answer at all). One group a
    map: the projections by the deconvnet on the left, the windows of the images on the right, in the same order
    (Zeiler and Fergus 2014, figure 2).
    """
    net = network.declaration
    layer = last_maps(net) if layer is None else find_layer(net, layer)
    deconvnet = Deconvnet(network)
    width = net.row(layer).output_shape[0]
    wanted = list(channels) if channels is not None else list(range(width))
    found = top_patches(deconvnet, layer, wanted, images, preprocess, top)
    answers = {channel: [patch for patch in patches if patch.value > 0] for channel, patches in found.items()}
    found = {channel: patches for channel, patches in answers.items() if patches}
    if channels is None:
        found = dict(list(found.items())[:9])
    if not found:
        raise UsageError(f"no map of layer `{layer}` answers to any of the images; choose another layer")
    groups, facts = [], []
    for channel, patches in found.items():
        numbers = np.array([patch.picture for patch in patches])
        pixels, _ = images.take(numbers)
        places = [(patch.row, patch.column) for patch in patches]
        back = deconvnet.project(normalised(pixels, preprocess), layer, channel, places).pixels.numpy()
        largest = float(np.abs(back).max()) or 1.0
        left = [cut(signed(one, largest), patch.seen) for one, patch in zip(back, patches, strict=True)]
        right = [cut(coloured(one), patch.seen) for one, patch in zip(pixels, patches, strict=True)]
        groups.append(Group(f"map {channel}", [_side_by_side(_grid(left), _grid(right))], 1))
        facts.append(
            {
                "channel": channel,
                "patches": [
                    {
                        "picture": images.name(patch.picture),
                        "value": round(patch.value, 4),
                        "window": list(patch.seen.inside(*preprocess.crop)),
                    }
                    for patch in patches
                ],
            }
        )
    size = max(max(group.tiles[0].shape[:2]) for group in groups)
    high, wide = net.row(layer).receptive_field
    note = (
        f"left: projected back to the pixels by the deconvnet (mid-grey is 0); right: the windows, {high}x{wide}"
        f"\nthe {top} strongest of {len(images):,} images for each map, strongest first; silent maps are left out"
    )
    sheet = contact_sheet(
        f"{net.name}: what excites the maps of {layer}", groups, side=max(360, min(size, 720)), note=note
    )
    return Drawn(sheet, {"layer": layer, "maps": facts})


def draw_projections(
    network: Network,
    layer: str | None,
    channels: Sequence[int] | None,
    images: Images,
    preprocess: Preprocess,
    top: int = 6,
) -> Drawn:
    """For each picture: itself, and the strongest feature maps of a layer (or those of `channels`) projected back."""
    net = network.declaration
    layer = last_maps(net) if layer is None else find_layer(net, layer)
    deconvnet = Deconvnet(network)
    groups, facts = [], []
    for number in range(len(images)):
        pixels, _ = images.take(np.array([number]))
        x = normalised(pixels, preprocess)
        strengths = deconvnet.maps(x, layer)[0].flatten(1).amax(1) if channels is None else None
        chosen = strengths.argsort(descending=True)[:top].tolist() if strengths is not None else list(channels or ())
        tiles, rows = [coloured(pixels[0])], []
        for channel in chosen:
            found = deconvnet.project(x, layer, channel)
            tiles.append(signed(found.pixels[0].numpy()))
            rows.append(
                {
                    "channel": channel,
                    "value": round(float(found.values[0]), 4),
                    "row": int(found.rows[0]),
                    "column": int(found.columns[0]),
                }
            )
        groups.append(Group(images.name(number) + ": maps " + ", ".join(map(str, chosen)), tiles, len(tiles)))
        facts.append({"picture": images.name(number), "maps": rows})
    sheet = contact_sheet(
        f"{net.name}: the strongest features of {layer}, projected back",
        groups,
        columns=1,
        side=160,
        note="each projection is scaled by its own largest value; mid-grey is 0",
    )
    return Drawn(sheet, {"layer": layer, "pictures": facts})


def draw_evidence(
    network: Network,
    how: Literal["gradcam", "saliency", "guided"],
    layer: str | None,
    images: Images,
    preprocess: Preprocess,
    classes: Sequence[str],
    top: int = 3,
    target: str | None = None,
) -> Drawn:
    """For each image: itself, and what speaks for its most probable classes, or for the class `target` alone.

    Grad-CAM is laid over the image; saliency maps and guided gradients stand beside it. A map that is 0 everywhere is
    said to be. Raises UsageError for a class that the net does not know.
    """
    net = network.declaration
    groups, facts = [], []
    width = net.output_shape[0]
    layer = None if layer is None else find_layer(net, layer)
    if layer is None and how == "gradcam":
        layer = last_maps(net)
    wanted = None if target is None else torch.tensor([output_of(target, classes, width)])
    for number in range(len(images)):
        pixels, _ = images.take(np.array([number]))
        x = normalised(pixels, preprocess)
        with torch.no_grad():
            p = network.eval()(x)[0].float().softmax(0)
        chosen = p.argsort(descending=True)[: min(top, width)] if wanted is None else wanted
        many = x.expand(len(chosen), -1, -1, -1)
        shown = coloured(pixels[0])
        if how == "gradcam":
            heat = grad_cam(network, many, chosen, layer).enlarged(*preprocess.crop)
            maps, tiles = heat, [overlaid(shown, one) for one in heat.numpy()]
        else:
            gradient = pixel_gradients(network, many, chosen, guided=how == "guided")
            maps = gradient.abs().amax(1)
            tiles = (
                [signed(one) for one in gradient.numpy()] if how == "guided"
                else [coloured(np.uint8(255 * one[..., None] ** 0.6)) for one in saliency(gradient).numpy()]
            )  # fmt: skip
        rows: list[dict[str, Any]] = [
            {
                "class": classes[label] if label < len(classes) else str(label),
                "probability": round(float(p[label]), 4),
                "empty": not bool(one.any()),
            }
            for label, one in zip(chosen.tolist(), maps, strict=True)
        ]
        words = ", ".join(
            f"{row['class']} {percent(row['probability'])}" + (" (the map is 0 everywhere)" if row["empty"] else "")
            for row in rows
        )
        groups.append(Group(f"{images.name(number)}: {words}", [shown, *tiles], len(tiles) + 1))
        facts.append({"picture": images.name(number), "classes": rows})
    titles = {
        "gradcam": (
            f"Grad-CAM at {layer}",
            "the image, then where the evidence for each class lies; each scaled by its largest",
        ),
        "saliency": (
            "saliency",
            "the image, then how much each pixel changes each class's logit; each scaled by its largest",
        ),
        "guided": ("guided backpropagation", "the image, then its guided gradient for each class; mid-grey is 0"),
    }
    title, note = titles[how]
    sheet = contact_sheet(f"{net.name}: {title}", groups, columns=1 if len(groups) < 5 else 2, side=224, note=note)
    return Drawn(sheet, {"layer": layer, "pictures": facts})


def output_of(target: str, classes: Sequence[str], width: int) -> int:
    """Return the output that a class's name or number means; UsageError with the nearest names for another."""
    names = {name.casefold(): number for number, name in reversed(list(enumerate(classes)))}
    if target.casefold() in names:
        return names[target.casefold()]
    if target.isdecimal() and int(target) < width:
        return int(target)
    raise unknown("class", target, list(classes), f"choose a number from 0 to {width - 1}")


def percent(share: float) -> str:
    """A probability in whole percents, those below one said so."""
    return f"{share:.0%}" if share >= 0.005 else "<1%"  # a softmax is never 0


def _grid(tiles: Sequence[np.ndarray]) -> np.ndarray:
    """Tiles of one size in a square, a thin white line between them."""
    columns = max(1, round(len(tiles) ** 0.5 + 0.3))
    rows = -(-len(tiles) // columns)
    high, wide = tiles[0].shape[:2]
    line = max(1, min(high, wide) // 24)
    out = np.full((rows * (high + line) - line, columns * (wide + line) - line, 3), WHITE, np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        out[row * (high + line) :, column * (wide + line) :][:high, :wide] = tile
    return out


def _side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    gap = np.full((left.shape[0], max(2, left.shape[1] // 20), 3), WHITE, np.uint8)
    return np.concatenate([left, gap, right], 1)

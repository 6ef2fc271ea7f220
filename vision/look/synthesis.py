"""Images made for a net, drawn: what excites its classes or maps most, and what its layers still know of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from casecnn.errors import UsageError
from casecnn.torch_net.build import Network
from casecnn.vision.former_names import with_former_names
from casecnn.vision.look.contact_sheet import Drawn, Group, coloured, contact_sheet
from casecnn.vision.look.evidence import output_of, percent
from casecnn.vision.look.gradcam import last_maps
from casecnn.vision.look.inversion import STEPS as INVERSION_STEPS
from casecnn.vision.look.inversion import depths, invert
from casecnn.vision.look.layers import find_layer
from casecnn.vision.look.maximisation import STEPS as ASCENT_STEPS
from casecnn.vision.look.maximisation import maximise
from casecnn.vision.pipeline.images import Images, normalised
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.tables.words import layer_text

CLASSES, MAPS = 12, 12
"""How many classes, or maps of a layer, are drawn where none are named."""


def draw_maximised(
    network: Network,
    preprocess: Preprocess,
    classes: Sequence[str],
    layer: str | None = None,
    channels: Sequence[int] | None = None,
    target: str | None = None,
    steps: int | None = None,
    seed: int = 0,
) -> Drawn:
    """For each class an image that the net takes for it, or for each feature map one that excites it.

    Without a layer or maps the first 12 classes, or `target` alone. A map that answers with 0 to what was found is
    said to be silent. Raises UsageError for a class, a layer or a map that the net lacks, and for both kinds at once.
    """
    net = network.declaration
    if layer is None and channels is None:
        width = net.output_shape[0]
        units = list(range(min(CLASSES, width))) if target is None else [output_of(target, classes, width)]
        found = maximise(network, preprocess, units, steps=ASCENT_STEPS if steps is None else steps, seed=seed)
        with torch.no_grad():
            p = network.eval()(normalised(found.images, preprocess)).float().softmax(1)
        names = [classes[unit] if unit < len(classes) else str(unit) for unit in units]
        rows: list[dict[str, Any]] = [
            {"class": name, "logit": round(float(after), 4), "at_start": round(float(before), 4),
             "probability": round(float(row[unit]), 4)}
            for name, unit, row, before, after in zip(names, units, p, found.before, found.after, strict=True)
        ]  # fmt: skip
        captions = [f"{row['class']} {percent(row['probability'])}" for row in rows]
        title, note = (
            "images made to be taken for a class",
            "each ascends its class's logit; in % what the net then says",
        )
        facts: dict[str, Any] = {"layer": None, "classes": rows}
    else:
        if target is not None:
            raise UsageError(f"`target` (={target}) and maps of a layer exclude each other; leave out one")
        layer = last_maps(net) if layer is None else find_layer(net, layer)
        width = net.row(layer).output_shape[0]
        units = list(range(min(MAPS, width))) if channels is None else list(channels)
        found = maximise(network, preprocess, units, layer, steps=ASCENT_STEPS if steps is None else steps, seed=seed)
        maps: list[dict[str, Any]] = [
            {"channel": unit, "mean": round(float(after), 4), "at_start": round(float(before), 4),
             "empty": float(after) == 0}
            for unit, before, after in zip(units, found.before, found.after, strict=True)
        ]  # fmt: skip
        captions = [
            f"{row['channel']} (silent)" if row["empty"] else f"{row['channel']}: {row['mean']:.3g}" for row in maps
        ]
        title = f"images made to excite the maps of {layer_text(layer)}"
        note = "each ascends the mean of a map, which stands behind its number"
        facts = {"layer": layer, "maps": maps}
    groups = [Group(caption, [coloured(one)], 1) for caption, one in zip(captions, found.images, strict=True)]
    side = max(160, *preprocess.crop) if len(groups) > 1 else 448
    columns = min(len(groups), 4 if len(groups) <= 12 else 6)
    return Drawn(contact_sheet(f"{net.name}: {title}", groups, columns=columns, side=side, note=note), facts)


def draw_inverted(
    network: Network,
    layer: str | None,
    images: Images,
    preprocess: Preprocess,
    steps: int | None = None,
    seed: int = 0,
) -> Drawn:
    """For each image: itself, and the images found from its features at five layers from first to last, or at `layer`.

    Raises UsageError for a layer that the net lacks.
    """
    net = network.declaration
    layers = depths(net) if layer is None else [find_layer(net, layer)]
    groups, facts = [], []
    for number in range(len(images)):
        pixels, _ = images.take(np.array([number]))
        found = [
            invert(network, preprocess, pixels[0], at, steps=INVERSION_STEPS if steps is None else steps, seed=seed)
            for at in layers
        ]
        distances = ", ".join(f"{layer_text(at)} {one.distance:.0%}" for at, one in zip(layers, found, strict=True))
        tiles = [coloured(pixels[0]), *(coloured(one.image) for one in found)]
        groups.append(Group(f"{images.name(number)}: {distances}", tiles, len(tiles)))
        rows = [{"layer": at, "distance": round(one.distance, 4)} for at, one in zip(layers, found, strict=True)]
        facts.append({"image": images.name(number), "layers": rows})
    note = (
        "the image, then what was found anew from its features at each layer; in % how far its features are"
        "\nfrom the image's own (so what differs to the eye at a small distance is what the layer no longer tells)"
    )
    sheet = contact_sheet(f"{net.name}: what its layers know of an image", groups, columns=1, side=192, note=note)
    return Drawn(sheet, with_former_names({"images": facts}))

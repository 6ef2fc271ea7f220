"""What speaks for a class in an image, drawn: Grad-CAM, saliency and guided gradients beside each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from casecnn.choose import listed, unknown
from casecnn.torch_net.build import Network
from casecnn.vision.former_names import with_former_names
from casecnn.vision.look.contact_sheet import Drawn, Group, coloured, contact_sheet, overlaid, signed
from casecnn.vision.look.gradcam import grad_cam, last_maps
from casecnn.vision.look.layers import find_layer
from casecnn.vision.look.saliency import pixel_gradients, saliency
from casecnn.vision.pipeline.images import Images, normalised
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.tables.words import layer_text


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
        facts.append({"image": images.name(number), "classes": rows})
    titles = {
        "gradcam": (
            f"Grad-CAM at {layer_text(layer or '')}",
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
    return Drawn(sheet, with_former_names({"layer": layer, "images": facts}))


def output_of(target: str, classes: Sequence[str], width: int) -> int:
    """Return the output that a class's name or number means; UsageError with the nearest names for another."""
    names = {name.casefold(): number for number, name in reversed(list(enumerate(classes)))}
    if target.casefold() in names:
        return names[target.casefold()]
    if target.isdecimal() and int(target) < width:
        return int(target)
    known = f"{listed(classes)}, or " if classes else ""
    raise unknown("class", target, list(classes), f"choose {known}a number from 0 to {width - 1}")


def percent(share: float) -> str:
    """A probability in whole percents, those below one said so."""
    return f"{share:.0%}" if share >= 0.005 else "<1%"  # a softmax is never 0

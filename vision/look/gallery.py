"""What a trained net has learned, drawn: filters, top patches and their projections, evidence, images made for it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from casecnn.checks import whole
from casecnn.choose import either
from casecnn.errors import UsageError
from casecnn.torch_net.build import Network
from casecnn.vision.data.labelled_images import open_data
from casecnn.vision.former_names import with_former_names
from casecnn.vision.look.contact_sheet import Drawn, Group, coloured, contact_sheet, signed
from casecnn.vision.look.deconvnet import Deconvnet
from casecnn.vision.look.embedding import before_the_classes, draw_embedding, embed
from casecnn.vision.look.evidence import draw_evidence
from casecnn.vision.look.filters import first_filters
from casecnn.vision.look.gradcam import last_maps
from casecnn.vision.look.layers import find_layer
from casecnn.vision.look.patches import cut, top_patches
from casecnn.vision.look.synthesis import draw_inverted, draw_maximised
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.pipeline.image_file import read_pillow
from casecnn.vision.pipeline.images import Images, Undecoded, gather, normalised
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.start import load_start
from casecnn.vision.tables.words import layer_text

WHITE, GREY = 255, 128

What = Literal["filters", "top", "deconvnet", "gradcam", "saliency", "guided", "maximise", "invert"]


def draw(
    what: What,
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
    steps: int | None = None,
    seed: int = 0,
) -> Drawn:
    """Load net `name` with its weights and draw `what`, of the image `files` or of a data set.

    `channels` is a list such as "0-8,17", `steps` how long images are searched for. Raises UsageError where there are
    no images to draw, images or options that `what` has no use for, or a number is wrong, InputError for a file that
    cannot be read.
    """
    if top is not None:
        whole("top", top, 1)
    given = {"layer": layer, "channels": channels, "top": top, "target": target, "steps": steps}
    check_used(what, given, bool(files), data is not None)
    start = load_start(name, weights)
    network = start.network()
    if what == "filters":
        return draw_filters(network)
    chosen = parse_channels(channels)
    if what == "maximise":
        return draw_maximised(network, start.preprocess, start.classes, layer, chosen, target, steps, seed)
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
    if what == "invert":
        return draw_inverted(network, layer, images, start.preprocess, steps, seed)
    return draw_evidence(network, what, layer, images, start.preprocess, start.classes, top or 3, target)


def lay_out(
    name: str,
    weights: str | Path | None,
    output: str | os.PathLike[str],
    files: Sequence[str] = (),
    *,
    data: str | Path | None,
    limit: int | None = None,
    layer: str | None = None,
    method: Literal["tsne", "pca"] | None = None,
    seed: int = 0,
    **others: Any,
) -> tuple[dict[str, Any], str]:
    """Load net `name` and draw the images of a data set in the plane, into `output`; see `embedding.embed`.

    By default the layer that the last one reads, and t-SNE. Returns the points under stable names, and a line for
    people. `others` are options of other drawings, which must be None. Raises as `draw` does.
    """
    check_used("embed", others, bool(files), data is not None)
    assert data is not None
    opened = open_data(data)
    start = load_start(name, weights)
    network = start.network()
    net = network.declaration
    images = gather(opened.take(limit or 2000, seed), Framing(), start.preprocess)
    found = embed(
        network, before_the_classes(net) if layer is None else find_layer(net, layer), images, start.preprocess,
        method or "tsne", seed=seed,
    )  # fmt: skip
    way = {"tsne": "t-SNE", "pca": "principal components"}[found.method]
    draw_embedding(found, opened.classes, output, f"{net.name}: {way} of {layer_text(found.layer)} on {opened}")
    text = (
        f"{len(found.labels):,} images by {way} of {found.width:,} features of {layer_text(found.layer)}; the "
        f"nearest by features is of the same class for {found.neighbours:.1%}"
    )
    return found.as_dict(opened.classes, images.tails), text


USES = {
    "filters": (),
    "top": ("layer", "channels", "top"),
    "deconvnet": ("layer", "channels", "top"),
    "gradcam": ("layer", "target", "top"),
    "saliency": ("target", "top"),
    "guided": ("target", "top"),
    "maximise": ("layer", "channels", "target", "steps"),
    "invert": ("layer", "steps"),
    "embed": ("layer", "method"),
}
"""The options that each kind of drawing looks at."""


def check_used(what: str, given: dict[str, Any], files: bool, data: bool) -> None:
    """Raise UsageError for images that a drawing needs and lacks, or has no use for, and for options without effect."""
    if what in ("filters", "maximise"):
        if files or data:
            raise UsageError(f"'{what}' looks at the net alone; leave out the " + ("images" if files else "`data`"))
    elif what == "embed":
        if files or not data:
            raise UsageError("'embed' lays out a data set; give `data`" + (" in place of images" if files else ""))
    elif files == data:
        raise UsageError(f"'{what}' needs either `pictures` or `data`" + (", not both" if files else "; give one"))
    for option, value in given.items():
        if value is not None and option not in USES[what]:
            others = [kind for kind, uses in USES.items() if option in uses]
            raise UsageError(f"'{what}' has no use for `{option}` (={value}); it belongs to {either(others)}")


def pictures_of(files: Sequence[str], preprocess: Preprocess) -> Undecoded:
    """Image files to draw; raises InputError for one that cannot be read."""
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
        raise UsageError(f"no map of layer `{layer_text(layer)}` answers to any of the images; choose another layer")
    groups, facts = [], []
    for channel, patches in found.items():
        numbers = np.array([patch.picture for patch in patches])
        pixels, _ = images.take(numbers)
        places = [(patch.row, patch.column) for patch in patches]
        back = deconvnet.project(normalised(pixels, preprocess), layer, channel, places).pixels.numpy()
        largest = float(np.quantile(np.abs(back), 0.998)) or float(np.abs(back).max()) or 1.0
        shown = [patch.seen.moved_inside(*preprocess.crop) for patch in patches]
        left = [cut(signed(one, largest), seen) for one, seen in zip(back, shown, strict=True)]
        right = [cut(coloured(one), seen) for one, seen in zip(pixels, shown, strict=True)]
        groups.append(Group(f"map {channel}", [_side_by_side(_grid(left), _grid(right))], 1))
        facts.append(
            {
                "channel": channel,
                "patches": [
                    {
                        "image": images.name(patch.picture),
                        "value": round(patch.value, 4),
                        "window": list(patch.seen.inside(*preprocess.crop)),
                    }
                    for patch in patches
                ],
            }
        )
    size = max(max(group.tiles[0].shape[:2]) for group in groups)
    high, wide = net.row(layer).receptive_field
    over = ", those that reach over the border moved inside" if min(high, wide) > 1 else ""
    note = (
        f"left: projected back to the pixels by the deconvnet (mid-grey is 0); right: the windows, {high}x{wide}{over}"
        f"\nthe {top} strongest of {len(images):,} images for each map, strongest first; silent maps are left out"
    )
    sheet = contact_sheet(
        f"{net.name}: what excites the maps of {layer_text(layer)}", groups, side=max(480, min(size, 720)), note=note
    )
    return Drawn(sheet, with_former_names({"layer": layer, "maps": facts}))


def draw_projections(
    network: Network,
    layer: str | None,
    channels: Sequence[int] | None,
    images: Images,
    preprocess: Preprocess,
    top: int = 6,
) -> Drawn:
    """For each image: itself, and the strongest feature maps of a layer (or those of `channels`) projected back."""
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
                    "empty": float(found.values[0]) == 0,
                }
            )
        words = (f"{row['channel']}" + (" (0 everywhere)" if row["empty"] else "") for row in rows)
        groups.append(Group(f"{images.name(number)}: maps {', '.join(words)}", tiles, len(tiles)))
        facts.append({"image": images.name(number), "maps": rows})
    sheet = contact_sheet(
        f"{net.name}: the strongest features of {layer_text(layer)}, projected back",
        groups,
        columns=1,
        side=160,
        note="each projection is scaled by its own largest value; mid-grey is 0",
    )
    return Drawn(sheet, with_former_names({"layer": layer, "images": facts}))


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

"""The images of a data set as points of a plane: the features of a layer, by PCA or t-SNE (van der Maaten 2008)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from casecnn.console import printable
from casecnn.errors import InputError
from casecnn.layers.net import Net
from casecnn.torch_net.build import Network
from casecnn.vision.figure import GREY, check_figure, new_figure, save_figure
from casecnn.vision.look.canvas import output_at
from casecnn.vision.pipeline.images import Images, in_order
from casecnn.vision.pipeline.preprocess import Preprocess

NEIGHBOURS = 30.0
"""The perplexity of t-SNE, roughly the neighbours of a point that count; less with fewer than 91 images."""

LEGEND = 20
"""Up to this many classes have a colour and a name each."""

FEWEST = 5


@dataclass(frozen=True)
class Embedding:
    """Images in the plane.

    `points` float32 [n, 2], `labels` int64 [n], `numbers` int64 [n] the images' places in the data; `neighbours` is the
    fraction of images whose nearest other image, by the features themselves, is of the same class; `explained` the
    fraction of the features' variance along each axis (PCA; empty for t-SNE); `width` how many features there are.
    """

    method: str
    layer: str
    points: np.ndarray
    labels: np.ndarray
    numbers: np.ndarray
    neighbours: float
    explained: tuple[float, ...]
    width: int

    def as_dict(self, classes: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
        """The embedding under stable names."""
        return {
            "method": self.method,
            "layer": self.layer,
            "features": self.width,
            "nearest_of_same_class": round(self.neighbours, 6),
            "explained_variance": [round(share, 6) for share in self.explained],
            "images": [
                {"image": names[number], "class": classes[label], "x": round(float(x), 4), "y": round(float(y), 4)}
                for number, label, (x, y) in zip(self.numbers.tolist(), self.labels.tolist(), self.points, strict=True)
            ],
        }


def before_the_classes(net: Net) -> str:
    """The layer whose output the last linear layer, or the last map of classes, reads."""
    rows = [row for row in net.rows if not row.auxiliary and row.kind not in ("Dropout", "Softmax", "Flatten")]
    last = max(place for place, row in enumerate(rows) if row.kind in ("Linear", "Conv", "RadialBasis"))
    return rows[max(last - 1, 0)].name


@torch.no_grad()
def features(
    network: Network, layer: str, images: Images, preprocess: Preprocess, *, batch_size: int = 64, threads: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The output of a layer for each image, maps averaged over their cells: float32 [n, units], labels, numbers.

    Images that cannot be read are left out; InputError where none can.
    """
    network.eval()
    rows, labels, numbers = [], [], []
    for inputs, own, places in in_order(images, preprocess, batch_size, threads):
        found = output_at(network, layer, inputs)
        rows.append((found.flatten(2).mean(2) if found.dim() > 2 else found).numpy())
        labels.append(own.numpy())
        numbers.append(places)
    if not rows:
        raise InputError("none of the images can be read, so there are no features")
    return np.concatenate(rows), np.concatenate(labels), np.concatenate(numbers)


def embed(
    network: Network,
    layer: str,
    images: Images,
    preprocess: Preprocess,
    method: Literal["tsne", "pca"] = "tsne",
    *,
    seed: int = 0,
) -> Embedding:
    """Compute the features of `layer` and lay them out in the plane, by scikit-learn.

    t-SNE starts from the principal components and keeps neighbours together, distances between groups say little; PCA
    is a projection, along the two directions in which the features differ most. The same seed gives the same points.
    Raises InputError for fewer than 5 images, or features that are the same for all.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    values, labels, numbers = features(network, layer, images, preprocess)
    if len(values) < FEWEST:
        raise InputError(f"{len(values)} images are too few to lay out; give at least {FEWEST}")
    values = values.astype(np.float64)
    if not np.ptp(values, 0).any():
        raise InputError(f"layer `{layer}` gives the same for all images, so there is nothing to lay out")
    shared = PCA(min(50, *values.shape), svd_solver="full").fit(values)
    reduced = shared.transform(values)
    explained: tuple[float, ...] = ()
    if reduced.shape[1] < 2:
        reduced = np.pad(reduced, ((0, 0), (0, 1)))
    if method == "pca":
        points = reduced[:, :2]
        explained = tuple(float(share) for share in shared.explained_variance_ratio_[:2])
    else:
        perplexity = min(NEIGHBOURS, (len(values) - 1) / 3)
        points = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(reduced)
    return Embedding(
        method, layer, points.astype(np.float32), labels, numbers, nearest_agree(values, labels), explained,
        values.shape[1],
    )  # fmt: skip


def nearest_agree(values: np.ndarray, labels: np.ndarray) -> float:
    """The fraction of rows whose nearest other row, Euclidean, has the same label: float64 [n, units], int64 [n]."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=2).fit(values).kneighbors(values, return_distance=False)
    other = np.where(found[:, 0] == np.arange(len(values)), found[:, 1], found[:, 0])  # equal rows may change places
    return float((labels[other] == labels).mean())


def draw_embedding(
    found: Embedding, classes: Sequence[str], path: str | os.PathLike[str], title: str = "", option: str = "output"
) -> None:
    """Draw the points, a colour for each class: .png, .svg or .pdf. Of more than 20 classes only the number is told.

    Raises UsageError for another ending, InputError where it cannot be written.
    """
    check_figure(option, path)
    from matplotlib import colormaps

    present = sorted(set(found.labels.tolist()))
    named = len(present) <= LEGEND
    colours = colormaps["tab10" if len(present) <= 10 else "tab20" if named else "turbo"]
    size = min(36.0, max(5.0, 16_000 / len(found.labels)))
    with new_figure(9.0 if named else 7.4, 7.0, layout="constrained") as figure:
        axes = figure.add_subplot()
        for place, label in enumerate(present):
            mine = found.points[found.labels == label]
            colour = colours(place) if named else colours(place / (len(present) - 1))
            name = printable(classes[label])
            axes.scatter(mine[:, 0], mine[:, 1], s=size, color=colour, label=name, alpha=0.8, linewidths=0)
        axes.set_aspect("equal", "datalim")
        if found.method == "pca":
            first, second = (f"{100 * share:.0f} % of the variance" for share in (*found.explained, 0.0)[:2])
            axes.set(xlabel=f"first component, {first}", ylabel=f"second component, {second}")
        else:
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set_visible(False)
        note = f"{len(found.labels):,} images; the nearest by features is of the same class for {found.neighbours:.1%}"
        axes.set_title(f"{title}\n", fontsize=13, loc="left")
        axes.text(0, 1.01, note, fontsize=10, color=GREY, transform=axes.transAxes)
        if named:
            figure.legend(loc="outside right upper", frameon=False, markerscale=min(3.0, 6 / size**0.5))
        save_figure(figure, path, option)

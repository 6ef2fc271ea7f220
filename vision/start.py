"""A trained net as the start of something else: transfer learning, or a look inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from casecnn.console import warn
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import Network, build
from casecnn.vision.data.labels import imagenet_labels
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.vision.weights import load_net_weights
from casecnn.weights.state_dict import fill


@dataclass(frozen=True)
class Start:
    """A trained net: `tensors` by name (of the net without auxiliary heads), and how it sees images."""

    net: str
    arguments: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    preprocess: Preprocess
    source: str
    classes: tuple[str, ...] = ()

    def network(self) -> Network:
        """Build the net as it was trained, in evaluation mode."""
        module = build(get_net(self.net, **self.arguments).without_heads(), init="zeros")
        own = module.state_dict()
        fill(module, {**counters(own, self.tensors), **self.tensors}, self.source)
        return module.eval()


def load_start(name: str, weights: str | Path | None = None) -> Start:
    """Load weights for net `name`, as `casecnn.vision.weights.load_net_weights` finds them.

    A warning tells where they belong to a variant of that net. Raises InputError where they do not fit.
    """
    found = load_net_weights(name, weights)
    for note in found.notes:
        warn(note)
    channels, *sides = found.net.input
    size = sides[0] if sides[0] == sides[1] else sides
    arguments = {"classes": found.net.output_shape[0], "in_channels": channels, "size": size}
    labels = found.labels or (imagenet_labels() if found.imagenet else None)
    classes = labels.names if labels is not None else ()
    return Start(found.net.name, arguments, found.tensors, found.preprocess, found.name, classes)


def counters(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return BatchNorm's counts of batches, which old files lack and nothing here needs."""
    return {name: own[name] for name in own if name.endswith("num_batches_tracked") and name not in given}

"""The table of the reference implementation: what runs each layer description in NumPy float64, at inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from numpy.typing import ArrayLike

from casecnn.layers.engine import Engine
from casecnn.layers.layer import Layer
from casecnn.reference.arrays import Array, real

L = TypeVar("L", bound=Layer)


class Runs(Protocol):
    """A layer with its parameters, ready to run."""

    def forward(self, x: Array) -> Array:
        """What the layer gives at inference for a batch."""
        ...


class Make(Protocol):
    """Makes a layer ready to run; its parameters' names start with ``path``."""

    def __call__(self, layer: Layer, parameters: Mapping[str, ArrayLike], path: str) -> Runs:
        """Return the layer, ready to run."""
        ...


REFERENCE: Engine[Make] = Engine("reference implementation")


class Reference(Generic[L]):
    """Base of the layers: the description, and its parameters by their own names (``self.array("weight")``)."""

    def __init__(self, layer: L, parameters: Mapping[str, ArrayLike], path: str) -> None:
        self.layer = layer
        self.parameters = parameters
        self.path = path

    def array(self, name: str) -> Array:
        """The parameter of this name; raises KeyError where there is none."""
        return real(self.parameters[self.path + name])

    def chain(self, layers: Sequence[Layer], x: Array, path: str = "") -> Array:
        """Layers inside this one, one after the other; their names start with ``path``."""
        return chain(layers, self.parameters, x, self.path + path)


def chain(layers: Sequence[Layer], parameters: Mapping[str, ArrayLike], x: Array, path: str = "") -> Array:
    """Layers one after the other; their parameters' names start with ``path``."""
    for layer in layers:
        x = REFERENCE.entry(layer)(layer, parameters, f"{path}{layer.name}.").forward(x)
    return x

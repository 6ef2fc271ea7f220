"""Which layers an engine can run: one table for each engine, from a layer's description to what runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

from casecnn.errors import InputError
from casecnn.layers.layer import Layer

T = TypeVar("T")
Made = TypeVar("Made")


class Engine(Generic[T]):
    """The table of one engine; ``what`` names one of its entries, such as "torch module", in errors.

    Every class in `casecnn.layers` stands in each engine's table, with what runs it or with the reason why nothing
    does: a test sees to that.

    >>> from casecnn.layers import Conv, Tanh
    >>> colours = Engine("colour")
    >>> colours.lacks("it has no colour", Tanh)
    >>> @colours.runs(Conv)
    ... def green(): ...
    >>> colours.entry(Conv("conv1", 8, kernel=3)) is green
    True
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[type[Layer], T] = {}
        self._reasons: dict[type[Layer], str] = {}

    def runs(self, *kinds: type[Layer]) -> Callable[[Made], Made]:
        """Return a decorator that enters what it decorates for layers of these classes.

        Raises ValueError, a fault of the program, where one is in the table already.
        """

        def enter(entry: Made) -> Made:
            for kind in kinds:
                self._check_new(kind)
                self._entries[kind] = entry  # type: ignore[assignment]
            return entry

        return enter

    def lacks(self, reason: str, *kinds: type[Layer]) -> None:
        """Say why the engine runs no layer of these classes; the reason stands in the error of `entry`."""
        for kind in kinds:
            self._check_new(kind)
            self._reasons[kind] = reason

    def entry(self, layer: Layer) -> T:
        """Return what runs ``layer``: the entry of its class, or of the nearest class that it inherits from.

        Raises InputError where there is none.
        """
        for kind in type(layer).__mro__:
            if kind in self._entries:
                return self._entries[kind]
            if kind in self._reasons:
                raise InputError(f"layer `{layer.name}` (a {layer.kind}) has no {self.what}: {self._reasons[kind]}")
        raise InputError(
            f"layer `{layer.name}` (a {layer.kind}) has no {self.what}; see casecnn.layers for those that do"
        )

    @property
    def entries(self) -> Mapping[type[Layer], T]:
        """The table, not to be changed."""
        return MappingProxyType(self._entries)

    @property
    def reasons(self) -> Mapping[type[Layer], str]:
        """The classes that the engine does not run, and why."""
        return MappingProxyType(self._reasons)

    def _check_new(self, kind: type[Layer]) -> None:
        if kind in self._entries or kind in self._reasons:
            raise ValueError(f"{kind.__name__} has two entries in the table of the {self.what}s")

"""What every row of the catalogue is: a name, where it was published, how it differs, and the Net that it declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from casecnn.errors import UsageError
from casecnn.layers import Layer, Net
from casecnn.layers.shapes import Pair, pair


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Base of the families. A row's own fields bear the paper's names; ``layers`` makes the layers of them.

    ``paper`` says which table or figure the row is read from, ``differs`` what is not as printed there, a sentence
    each. ``classes``, ``channels`` and ``size`` are the published ones.
    """

    name: str
    summary: str
    paper: str
    differs: Sequence[str] = ()
    classes: int = 1000
    channels: int = 3
    size: int | Pair = 224

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes."""
        raise NotImplementedError

    def net(self, classes: int | None = None, in_channels: int | None = None, size: int | Pair | None = None) -> Net:
        """The Net, as published or with another number of classes, input channels, or input size (height, width).

        Raises UsageError for a number below 1, ShapeError where the layers do not fit the size.
        """
        classes = self.classes if classes is None else classes
        in_channels = self.channels if in_channels is None else in_channels
        height, width = pair(self.size if size is None else size)
        for what, value in (
            ("classes", classes),
            ("input channels", in_channels),
            ("input height", height),
            ("input width", width),
        ):
            if value < 1:
                raise UsageError(f"net `{self.name}`: {what} (={value}) must be at least 1")
        return Net(self.name, input=(in_channels, height, width), layers=self.layers(classes))

"""How much the images of each class count in the loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casecnn.checks import positive
from casecnn.choose import unknown
from casecnn.errors import UsageError


def class_weights(text: str | None, classes: Sequence[str], labels: np.ndarray) -> tuple[float, ...] | None:
    """Read the weights of the classes: "balanced", or "cat=2,dog=0.5", where classes left out count 1.

    Balanced weights are n / (classes * images of the class), as in scikit-learn: each class counts as much as any
    other. None, or nothing, counts every image once. Raises UsageError for a class that there is not, or no number.
    """
    if not text:
        return None
    if text == "balanced":
        counts = np.bincount(labels, minlength=len(classes))
        return tuple((len(labels) / (len(classes) * np.maximum(counts, 1))).tolist())
    found = dict.fromkeys(classes, 1.0)
    for part in text.split(","):
        name, given, number = part.strip().rpartition("=")
        if not given:
            raise UsageError(f"`class_weights` (={text}) must be balanced, or weights such as {classes[0]}=2")
        if name not in found:
            raise unknown("class", name, classes)
        try:
            found[name] = positive("class_weights", float(number))
        except ValueError:
            raise UsageError(f"`class_weights`: {name} (={number}) must be a number, such as {name}=2") from None
    return tuple(found.values())

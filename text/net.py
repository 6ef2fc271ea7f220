"""Kim's sentence CNN, declared with the core's layers (Kim 2014, section 2 and figure 1)."""

from __future__ import annotations

from casecnn.description import Activation
from casecnn.layers import Branches, Conv, Dropout, Layer, Linear, MaxOverTime, Net, Softmax

ACTIVATIONS: dict[str, Activation] = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "none": None}


def sentence_net(
    words: int,
    *,
    dim: int = 300,
    channels: int = 1,
    windows: tuple[int, ...] = (3, 4, 5),
    maps: int = 100,
    labels: int = 2,
    activation: str = "relu",
    dropout: float = 0.5,
    multi_label: bool = False,
) -> Net:
    """The net for sentences of `words` words: input [channels, words + 2 * pad, dim], output one logit a label.

    `pad` is the largest window less one, on each side (`padding`): 4 for the paper's windows. With two channels each
    filter has a part for either and the two results add up before the one bias and the activation, as in section 2.1.
    A net built for one length takes sentences of any other. With `multi_label` there is no Softmax at the end: every
    label has a sigmoid of its own.
    """
    branches = tuple(
        (Conv(f"conv{h}", maps, kernel=(h, dim), activation=ACTIVATIONS[activation]), MaxOverTime(f"max{h}"))
        for h in windows
    )
    layers: tuple[Layer, ...] = (Branches("windows", branches), Dropout("dropout", dropout), Linear("output", labels))
    length = max(words + 2 * padding(windows), max(windows))
    return Net(
        "sentence_cnn",
        input=(channels, length, dim),
        layers=layers if multi_label else (*layers, Softmax("softmax")),
    )


def padding(windows: tuple[int, ...]) -> int:
    """The pad positions on each side of a sentence: as many as let the largest window begin before the first word."""
    return max(windows) - 1

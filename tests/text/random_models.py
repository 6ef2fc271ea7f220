"""Small text models with random numbers, sentences for them, and what the core's float64 reference gives for them."""

from __future__ import annotations

import numpy as np

from casecnn.layers import Branches, Conv, Linear, MaxOverTime, Net
from casecnn.reference import net as reference_net
from casecnn.text.model.model import TextModel


def random_model(
    *,
    words=40,
    dim=7,
    channels=1,
    windows=(3, 4, 5),
    maps=6,
    labels=("negative", "positive"),
    seed=0,
    vocabulary=None,
    **facts,
) -> TextModel:
    """A model that nobody trained; its words are w0, w1, ... unless `vocabulary` names them."""
    draw = np.random.default_rng(seed)
    names = tuple(vocabulary) if vocabulary is not None else tuple(f"w{number}" for number in range(words))
    tables = [draw.normal(0, 0.5, (len(names) + 2, dim)) for _ in range(channels)]
    for table in tables:
        table[0] = 0
    return TextModel(
        labels=tuple(labels),
        words=names,
        embeddings=tuple(tables),
        filters={h: (draw.normal(0, 0.5, (maps, channels, h, dim)), draw.normal(0, 0.5, maps)) for h in windows},
        output_weight=draw.normal(0, 0.5, (len(labels), maps * len(windows))),
        output_bias=draw.normal(0, 0.5, len(labels)),
        **({"pad": max(windows) - 1, "cleaning": "none"} | facts),
    )


def random_sentences(count, *, words=40, longest=30, unknown=0.1, seed=1) -> list[list[str]]:
    """Sentences of 0 to `longest` of the words w0, w1, ...; some of the words are in no vocabulary."""
    draw = np.random.default_rng(seed)
    return [
        [f"w{draw.integers(words)}" if draw.random() > unknown else "never-seen" for _ in range(draw.integers(longest))]
        for _ in range(count)
    ]


def judged(model: TextModel, sentence: list[str]) -> np.ndarray:
    """The logits of one sentence by the core's reference: a declared net, convolved in float64."""
    rows = [0] * model.pad + [model.rows.get(word, 1) for word in sentence[: model.max_length]] + [0] * model.pad
    rows += [0] * (max(model.windows) - len(rows))
    x = np.stack([table[rows] for table in model.embeddings])
    activation = None if model.activation == "none" else model.activation
    net = Net(
        "judge",
        input=x.shape,
        layers=(
            Branches(
                "windows",
                tuple(
                    (
                        Conv(f"conv{h}", len(bias), kernel=(h, model.dim), activation=activation),
                        MaxOverTime(f"max{h}"),
                    )
                    for h, (_, bias) in model.filters.items()
                ),
            ),
            Linear("output", len(model.labels)),
        ),
    )
    parameters = {"output.weight": model.output_weight, "output.bias": model.output_bias}
    for h, (weight, bias) in model.filters.items():
        parameters |= {f"windows.conv{h}.weight": weight, f"windows.conv{h}.bias": bias}
    return reference_net.forward(net, parameters, x[None])[0]

"""A sentence CNN as an ONNX model that takes word numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from casecnn.export.graph import Graph
from casecnn.export.model import Batch, add_outputs, finish, tensor
from casecnn.export.operators import Value, activate
from casecnn.nets.sentence import ACTIVATIONS
from casecnn.text.model.model import TextModel
from casecnn.text.model.packaged import DEFAULT, load_model
from casecnn.text.words.vocabulary import PADDING


def onnx_model(
    which: TextModel | str | os.PathLike[str] = DEFAULT, *, batch: Batch = "dynamic", opset: int = 17
) -> Any:
    """Return the onnx.ModelProto of a text model: a TextModel, a packaged one by name, or a file.

    The input "tokens" is int64 [batch, length], the numbers of a text's cleaned words (see `token_numbers`), 0 after
    its end: texts of any length go into one batch, and the answer for one does not depend on the others. The outputs
    are "logits" and "probabilities", float32 [batch, labels]. The metadata hold labels, words and the cleaning.
    A model that reads long texts in parts gets its parts from the caller, `part` words at most, and the mean of their
    logits is the text's. n-grams of characters are not in it: a word that only they know is an unknown one there.
    Raises what `casecnn.text.load_model` raises, and `UsageError` where onnx is not installed.
    """
    model = which if isinstance(which, TextModel) else load_model(which)
    arrays = {f"embedding.{i}": channel for i, channel in enumerate(model.embeddings)}
    for window, (weight, bias) in model.filters.items():
        arrays |= {f"conv{window}.weight": weight, f"conv{window}.bias": bias}
    arrays |= {"output.weight": model.output_weight, "output.bias": model.output_bias}
    graph = Graph(arrays, opset)
    words, end = _words(graph, model), _end(graph, model)
    maps = [_window(graph, model, window, words, end) for window in model.windows]
    joined = graph.add("Concat", maps, "windows", axis=1)
    output = graph.add("Gemm", [joined, graph.weight("output.weight"), graph.weight("output.bias")], "output", transB=1)
    value = Value(output, (len(model.labels),))
    outputs = add_outputs(graph, value, batch, softmax=not model.multi_label, sigmoid=model.multi_label)
    metadata = {
        "application": "casecnn text",
        "net": "sentence_cnn",
        "input": "tokens: 0 after the end of a text, 1 an unknown word, 2 + i the word i of words",
        "labels": list(model.labels),
        "words": list(model.words),
        "cleaning": model.cleaning,
        **({"max_length": model.max_length} if model.max_length else {}),
        **({"part": model.part} if model.part else {}),
        **model.metadata,
    }
    return finish(graph, "sentence_cnn", [tensor("tokens", (batch, "length"), "INT64")], outputs, metadata)


def token_numbers(model: TextModel, sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """The input of the exported model: int64 [sentences, longest] for sentences as lists of cleaned words."""
    kept = [words[: model.max_length] for words in sentences]
    tokens = np.full((len(kept), max(1, *map(len, kept))) if kept else (0, 1), PADDING, np.int64)
    for row, words in zip(tokens, kept, strict=True):
        row[: len(words)] = [model.row(word) for word in words]
    return tokens


def _words(graph: Graph, model: TextModel) -> str:
    """The word vectors between pad positions: [batch, channels, positions, dim]."""
    around = graph.constant("pad_positions", np.array([0, model.pad, 0, model.pad + max(model.windows)], np.int64))
    tokens = graph.add("Pad", ["tokens", around, graph.constant("pad", np.int64(PADDING))], "positions")
    axis = graph.constant("channel_axis", np.array([1], np.int64))
    channels = []
    for number in range(len(model.embeddings)):
        found = graph.add("Gather", [graph.weight(f"embedding.{number}"), tokens], f"words.{number}")
        channels.append(graph.add("Unsqueeze", [found, axis], f"channel.{number}"))
    return channels[0] if len(channels) == 1 else graph.add("Concat", channels, "channels", axis=1)


def _end(graph: Graph, model: TextModel) -> str:
    """How many positions of each text count, pad positions included: int64 [batch, 1]."""
    from onnx import TensorProto

    is_pad = graph.add("Equal", ["tokens", graph.constant("pad", np.int64(PADDING))], "is_pad")
    is_word = graph.add("Cast", [graph.add("Not", [is_pad], "is_word")], "word_counts", to=TensorProto.INT64)
    axis = graph.constant("channel_axis", np.array([1], np.int64))
    words = graph.add("ReduceSum", [is_word, axis], "length", keepdims=1)
    padded = graph.add("Add", [words, graph.constant("both_pads", np.int64(2 * model.pad))], "padded_length")
    return graph.add("Max", [padded, graph.constant("longest_window", np.int64(max(model.windows)))], "end")


def _window(graph: Graph, model: TextModel, window: int, words: str, end: str) -> str:
    """Filters over `window` words and the largest value of each over the windows that lie inside the text."""
    name = f"conv{window}"
    x = graph.add("Conv", [words, graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")], name)
    numbers = {"zero": 0, "one": 1, "time_axis": 2}
    zero, one, axis = (graph.constant(key, np.int64(value)) for key, value in numbers.items())
    count = graph.add("Gather", [graph.add("Shape", [x], f"{name}.shape"), axis], f"{name}.windows", axis=0)
    starts = graph.add("Range", [zero, count, one], f"{name}.starts")
    last = graph.add("Sub", [end, graph.constant(f"{name}.reach", np.int64(window - 1))], f"{name}.end")
    inside = graph.add("Less", [starts, last], f"{name}.inside")
    axes = graph.constant("map_axes", np.array([1, 3], np.int64))
    inside = graph.add("Unsqueeze", [inside, axes], f"{name}.mask")
    lowest = graph.constant("lowest", np.float32(np.finfo(np.float32).min))
    x = graph.add("Where", [inside, x, lowest], f"{name}.masked")
    x = graph.add("Flatten", [graph.add("GlobalMaxPool", [x], f"max{window}.largest")], f"max{window}", axis=1)
    return activate(graph, ACTIVATIONS[model.activation], f"max{window}", x)

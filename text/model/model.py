"""A trained sentence CNN as plain arrays: everything that a prediction needs, in one safetensors file. NumPy only."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from casecnn.checks import one_of
from casecnn.errors import InputError
from casecnn.text.words.spelling import Speller
from casecnn.text.words.vocabulary import FIRST_WORD, PADDING, UNKNOWN
from casecnn.weights.safetensors_file import Content, read_arrays, write_arrays

ACTIVATIONS = ("relu", "tanh", "sigmoid", "none")  # none of them ever falls: the maximum may be taken before it
PRECISIONS = ("full", "half", "int8")
NET = "sentence_cnn"
MOST_PAD = 1000


@dataclass(frozen=True, eq=False)
class TextModel:
    """A sentence CNN of Kim (2014) in its inference form; raises InputError where the parts do not fit each other.

    A sentence is cleaned into words, cut off after ``max_length`` of them, and becomes ``pad`` pad positions, its
    words, ``pad`` pad positions; what is still shorter than the largest window is padded at the end. Every filter of
    every window adds up over its positions, the numbers of a word vector and the channels; the largest value over the
    sentence, plus the bias, through the activation, is the map's value. The logits are `output_weight` times all
    maps' values plus `output_bias`; probabilities are their softmax, or each label's sigmoid with `multi_label`.

    A text of more than ``part`` words is read in parts of about equal length, none longer, and its logits are the mean
    of theirs: of a long text the maximum over time would keep the strongest words of either kind. With ``spelling``, a
    word that is not in the vocabulary is read as the one that it was meant to be (`casecnn.text.words.spelling`). With
    ``subwords``, a word that is unknown even so has a vector from its n-grams of characters, the same in all channels
    (`casecnn.text.words.subwords`).

    Arrays become float32. `casecnn.text.model.predict` computes with a model, this class only holds and checks it.
    """

    labels: tuple[str, ...]
    words: tuple[str, ...]  # the vocabulary: row i + 2 of each embedding channel is words[i]
    embeddings: tuple[np.ndarray, ...]  # one [len(words) + 2, dim] a channel; row 0 zeros (pad), row 1 the unknown word
    filters: Mapping[int, tuple[np.ndarray, np.ndarray]]  # window -> weight [maps, channels, window, dim], bias [maps]
    output_weight: np.ndarray  # [labels, maps of all windows], windows in rising order
    output_bias: np.ndarray  # [labels]
    multi_label: bool = False
    activation: str = "relu"
    pad: int = 4  # pad positions on each side; Kim: the largest window - 1
    max_length: int | None = None  # words of a text that count; the rest is ignored
    part: int | None = None  # most words that are read at once; None: all
    spelling: bool = False
    subwords: np.ndarray | None = None  # [rows, dim]: vectors of n-grams of characters, by their hash
    cleaning: str = "mr"  # a name of casecnn.text.words.cleaning
    metadata: Mapping[str, str] = field(default_factory=dict)  # data, command, figures, licence ...

    def __post_init__(self) -> None:
        def keep(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        keep("labels", tuple(self.labels))
        keep("words", tuple(self.words))
        keep("embeddings", tuple(_floats(channel) for channel in self.embeddings))
        keep("filters", {h: (_floats(w), _floats(b)) for h, (w, b) in sorted(self.filters.items())})
        keep("subwords", None if self.subwords is None else _floats(self.subwords))
        keep("output_weight", _floats(self.output_weight))
        keep("output_bias", _floats(self.output_bias))
        keep("metadata", dict(self.metadata))
        self._check()

    def _check(self) -> None:
        def rule(holds: bool, text: str) -> None:
            if not holds:
                raise InputError(f"not a text model: {text}")

        for name in ("labels", "words"):
            names = getattr(self, name)
            rule(all(isinstance(entry, str) for entry in names), f"{name} must be text")
            rule(len(set(names)) == len(names), f"{name} must differ from each other")
        least = 1 if self.multi_label else 2
        rule(len(self.labels) >= least, f"labels (={len(self.labels)}) must be at least {least}")
        rule(self.activation in ACTIVATIONS, f"activation (={self.activation!r}) must be {', '.join(ACTIVATIONS)}")
        rule(isinstance(self.multi_label, bool), f"multi_label (={self.multi_label!r}) must be true or false")
        rule(_whole(self.pad, 0, MOST_PAD), f"pad (={self.pad!r}) must be a whole number from 0 to {MOST_PAD}")
        rule(isinstance(self.spelling, bool), f"spelling (={self.spelling!r}) must be true or false")
        for name in ("max_length", "part"):
            most = getattr(self, name)
            rule(most is None or _whole(most, 1), f"{name} (={most!r}) must be a whole number of at least 1, or none")
        rule(isinstance(self.cleaning, str), f"cleaning (={self.cleaning!r}) must be a name")
        rule(all(isinstance(v, str) for pair in self.metadata.items() for v in pair), "metadata must be text")

        def shape(name: str, array: np.ndarray, wanted: tuple[int, ...]) -> None:
            found = "x".join(map(str, array.shape)) or "0-d"
            rule(array.shape == wanted, f"'{name}' is {found}, it must be {'x'.join(map(str, wanted))}")
            rule(bool(np.isfinite(array).all()), f"'{name}' holds numbers that are not finite")

        rule(len(self.embeddings) > 0, "it must have at least one embedding channel")
        dim = self.embeddings[0].shape[-1] if self.embeddings[0].ndim == 2 else 0
        rule(dim > 0, "'embedding.0' must be a table of word vectors")
        for number, channel in enumerate(self.embeddings):
            shape(f"embedding.{number}", channel, (len(self.words) + FIRST_WORD, dim))
            rule(not channel[PADDING].any(), f"row 0 of 'embedding.{number}', the pad position, must be zeros")
        if self.subwords is not None:
            rule(self.subwords.ndim == 2 and len(self.subwords) > 0, "'subwords' must be a table of vectors")
            shape("subwords", self.subwords, (len(self.subwords), dim))
        rule(len(self.filters) > 0, "it must have filters of at least one window")
        maps = 0
        for window, (weight, bias) in self.filters.items():
            rule(_whole(window, 1), f"window (={window!r}) must be a whole number of at least 1")
            rule(len(weight) > 0, f"'conv.{window}.weight' must hold at least one filter")
            shape(f"conv.{window}.weight", weight, (len(weight), len(self.embeddings), window, dim))
            shape(f"conv.{window}.bias", bias, (len(weight),))
            maps += len(weight)
        shape("output.weight", self.output_weight, (len(self.labels), maps))
        shape("output.bias", self.output_bias, (len(self.labels),))

    @property
    def windows(self) -> tuple[int, ...]:
        """The filters' window sizes, rising."""
        return tuple(self.filters)

    @property
    def dim(self) -> int:
        """The length of a word vector."""
        return self.embeddings[0].shape[1]

    @property
    def maps(self) -> int:
        """Feature maps of all windows together."""
        return self.output_weight.shape[1]

    @property
    def parameters(self) -> int:
        """All numbers of the net: embeddings without the pad rows, n-grams, filters, output layer."""
        tables = sum(channel[UNKNOWN:].size for channel in self.embeddings)
        tables += 0 if self.subwords is None else self.subwords.size
        filters = sum(weight.size + bias.size for weight, bias in self.filters.values())
        return tables + filters + self.output_weight.size + self.output_bias.size

    @cached_property
    def rows(self) -> dict[str, int]:
        """From a word of the vocabulary to its row in the embeddings."""
        return {word: row for row, word in enumerate(self.words, FIRST_WORD)}

    def row(self, word: str) -> int:
        """Return the row of a word, by its spelling where that is wanted; the unknown word's where there is none."""
        row = self.rows.get(word)
        if row is None and self.spelling:
            row = self.rows.get(self._speller.nearest(word) or "")
        return UNKNOWN if row is None else row

    @cached_property
    def _speller(self) -> Speller:
        return Speller(self.words)

    def parts(self, words: int) -> list[int]:
        """Return where the parts of a text with this number of words begin, and where the last one ends."""
        count = -(-words // self.part) if self.part is not None else 1
        return [words * number // max(count, 1) for number in range(max(count, 1) + 1)]

    def _last_rows_in_common(self) -> int:
        """How many rows at the end all channels have in common: 0 with one channel."""
        if len(self.embeddings) == 1:
            return 0
        first, *others = self.embeddings
        differ = np.flatnonzero(np.any([(channel != first).any(axis=1) for channel in others], axis=0))
        return len(first) - (int(differ[-1]) + 1 if differ.size else FIRST_WORD)

    def __getstate__(self) -> dict[str, Any]:
        return {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}  # without the cache

    def save(self, path: str | os.PathLike[str], precision: str = "full") -> None:
        """Writes the model as one safetensors file, whole or not at all; the same model gives the same bytes.

        `precision` is "full" (float32), "half" (float16, half the size) or "int8" (embeddings in 8 bits with a scale
        for each word, and n-grams likewise, the rest float16; a quarter of the size). Last rows that are the same in
        all channels, those of words that training never met, are stored once. Raises InputError where the file cannot
        be written, or a value is too large for float16.
        """
        one_of("precision", precision, PRECISIONS)
        first, *others = self.embeddings
        own = len(first) - self._last_rows_in_common()
        arrays = {"embedding.0": first} | {f"embedding.{n}": channel[:own] for n, channel in enumerate(others, 1)}
        for window, (weight, bias) in self.filters.items():
            arrays |= {f"conv.{window}.weight": weight, f"conv.{window}.bias": bias}
        arrays |= {"output.weight": self.output_weight, "output.bias": self.output_bias}
        if self.subwords is not None:
            arrays["subwords"] = self.subwords
        tables = [name for name in arrays if name.startswith("embedding.") or name == "subwords"]
        eight_bits = tables if precision == "int8" else []
        facts = {name: getattr(self, name) for name in _FACTS}
        facts |= {name: getattr(self, name) for name in _LATER_FACTS if getattr(self, name)}
        write_arrays(path, Content(arrays, {"net": NET, **facts}), half=precision != "full", eight_bits=eight_bits)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TextModel:
        """Reads a model that `save` wrote; arrays come as float32.

        Raises InputError, one line that names the file, for anything else: another kind of file, a pickle, weights of
        another net, parts that are missing or do not fit. Never runs anything that the file holds.
        """
        arrays, facts = read_arrays(path)
        source = os.fspath(path)
        if facts.get("net") != NET:
            what = f"those of '{facts['net']}'" if isinstance(facts.get("net"), str) else "without a net's name"
            raise InputError(f"'{source}' is not a text model: it holds weights, {what}")
        for name in _FACTS:
            if name not in facts:
                raise InputError(f"'{source}' is not a text model: its metadata has no '{name}'")
            kind = {"labels": list, "words": list, "metadata": dict}.get(name, object)
            if not isinstance(facts[name], kind):
                raise InputError(f"'{source}' is not a text model: '{name}' must be a {kind.__name__}")
        places = [_PLACE.fullmatch(name) for name in arrays]
        for name, place in zip(arrays, places, strict=True):
            if place is None:
                raise InputError(f"'{source}' is not a text model: it has no place for the tensor '{name}'")
        try:
            windows = sorted({int(place["window"]) for place in places if place and place["window"]})
            channels = sum(name.startswith("embedding.") for name in arrays)
            return cls(
                embeddings=tuple(_filled(arrays[f"embedding.{number}"], arrays) for number in range(channels)),
                filters={h: (arrays[f"conv.{h}.weight"], arrays[f"conv.{h}.bias"]) for h in windows},
                subwords=arrays.get("subwords"),
                output_weight=arrays["output.weight"],
                output_bias=arrays["output.bias"],
                **{name: facts[name] for name in (*_FACTS, *(name for name in _LATER_FACTS if name in facts))},
            )
        except KeyError as error:
            raise InputError(f"'{source}' is not a text model: it has no tensor {error}") from error
        except InputError as error:
            raise InputError(f"'{source}' is {error}") from error


_FACTS = ("labels", "words", "multi_label", "activation", "pad", "max_length", "cleaning", "metadata")
_LATER_FACTS = ("part", "spelling")  # since 0.2; they are not in older files
_PLACE = re.compile(r"subwords|embedding\.\d{1,2}|conv\.(?P<window>[1-9]\d{0,3})\.(weight|bias)|output\.(weight|bias)")


def _floats(array: Any) -> np.ndarray:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as that
        return np.ascontiguousarray(array, np.float32)


def _filled(channel: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """A channel with the last rows that it shares with channel 0, which are stored there alone."""
    first = arrays["embedding.0"]
    if channel.ndim == first.ndim == 2 and channel.shape[1] == first.shape[1] and FIRST_WORD <= len(channel):
        return np.concatenate([channel, first[len(channel) :]])
    return channel


def _whole(value: Any, least: int, most: int | None = None) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and value >= least and (most is None or value <= most)

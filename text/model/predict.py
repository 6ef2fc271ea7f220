"""From words to logits with NumPy alone: each window's value is a sum of looked-up rows."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from casecnn.errors import UsageError
from casecnn.text.model.model import TextModel
from casecnn.text.model.projection import MOST_BYTES, VOID, Projection
from casecnn.text.words.vocabulary import PADDING

CHUNK = 768  # positions worked on at once: their sums (300 kB for 100 maps) stay in a core's cache
_AFTER = -1  # the row that stands for positions after a sentence's end


class Scores(NamedTuple):
    """Logits float32 [texts, labels], and how many words of each text have a vector, int64 [texts]."""

    logits: np.ndarray
    known_words: np.ndarray


class Peaks(NamedTuple):
    """Where every map fired on one sentence: values float32 [maps] behind the activation, windows rising.

    `windows` and `starts` are int64 [maps]: the window's size and the position where it begins, counted from the first
    word of the sentence, so that pad positions are negative or at least the number of words. The first of equal maxima.
    """

    values: np.ndarray
    windows: np.ndarray
    starts: np.ndarray


class Predictor:
    """A text model ready for prediction; may be used from several threads.

    A text's logits never depend, not even in the last bit, on the texts that are scored with it. They agree with the
    net that `casecnn.torch_net.build` makes of the model's declaration within the rounding of float32. Doesn't clean
    texts.
    """

    def __init__(self, model: TextModel, vectors: Any = None, most_bytes: int = MOST_BYTES) -> None:
        """With `vectors` (such as gensim's KeyedVectors) words outside the vocabulary are looked up in them.

        About `most_bytes` of memory hold products of words met before. Raises InputError for vectors of another length.
        """
        self.model = model
        self.projection = Projection(model, vectors, most_bytes)
        self._longest = max(model.windows)
        self._chunk = min(CHUNK, self.projection.capacity - self._longest)
        widest = max(len(bias) for _, bias in model.filters.values())
        self._sums, self._terms = np.empty((2, (self._chunk + self._longest) * widest), np.float32)
        self._bias = np.concatenate([bias for _, bias in model.filters.values()])
        self._lock = threading.Lock()

    def scores(self, sentences: Sequence[Sequence[str]]) -> np.ndarray:
        """Logits of sentences, each a list of cleaned words: float32 [sentences, labels].

        Raises UsageError for a text where a list of words is due.
        """
        return self.read(sentences).logits

    def read(self, sentences: Sequence[Sequence[str]]) -> Scores:
        """Logits as `scores` gives them, and the number of words in each sentence that are known.

        Known are words of the vocabulary and of the vectors; punctuation marks are not counted.
        """
        if isinstance(sentences, str) or any(isinstance(words, str) for words in sentences):
            raise UsageError("`sentences` must be lists of words, not text; a cleaning of casecnn.text makes them")
        most = self.model.max_length
        kept = sentences if most is None else [words[:most] for words in sentences]
        part = self.model.part
        if part is None or max(map(len, kept), default=0) <= part:  # the longest is read at once: so are all
            with self._lock:
                return self._read(kept)
        bounds = [self.model.parts(len(words)) for words in kept]
        pieces = [words[a:b] for words, places in zip(kept, bounds, strict=True) for a, b in pairwise(places)]
        with self._lock:
            logits, known = self._read(pieces)
        counts = np.array([len(places) - 1 for places in bounds])
        begins = np.cumsum(counts) - counts
        means = np.add.reduceat(logits, begins) / counts[:, None].astype(np.float32)
        return Scores(means, np.add.reduceat(known, begins))

    def peaks(self, words: Sequence[str]) -> Peaks:
        """Return which window each feature map takes its value from: max-over-time pooling chose it.

        The words are read at once, however many: `TextModel.parts` says where a long text is cut.
        """
        if isinstance(words, str):
            raise UsageError("`words` must be a list of words, not text; a cleaning of casecnn.text makes them")
        with self._lock:
            rows, _ = self._rows([words])
            grid = self._grid(rows, [0, len(rows)], [0])
            best = np.full(self.model.maps, -np.inf, np.float32)
            starts = np.zeros(self.model.maps, np.int64)
            for first in range(0, len(grid) - self._longest + 1, self._chunk):
                slots = self._slots(grid[first : first + self._chunk + self._longest - 1])
                column = 0
                for window in self.model.windows:
                    sums = self._window_sums(window, slots)[:, 0]
                    place = slice(column, column + sums.shape[1])
                    column = place.stop
                    where = sums.argmax(axis=0)
                    found = np.take_along_axis(sums, where[None], axis=0)[0]
                    better = found > best[place]
                    starts[place] = np.where(better, where + first, starts[place])
                    best[place] = np.maximum(found, best[place])
        sizes = [len(bias) for _, bias in self.model.filters.values()]
        return Peaks(self._activate(best[None])[0], np.repeat(self.model.windows, sizes), starts - self.model.pad)

    def logits(self, values: np.ndarray) -> np.ndarray:
        """From maps' values float32 [texts, maps] to logits float32 [texts, labels].

        Not by matrix product: that rounds a row differently with other rows beside it.
        """
        return np.einsum("nm,lm->nl", values, self.model.output_weight) + self.model.output_bias

    def _read(self, sentences: Sequence[Sequence[str]]) -> Scores:
        rows, lengths = self._rows(sentences)
        self.projection.prepare(rows)
        offsets = [0, *np.cumsum(lengths).tolist()]
        logits = np.empty((len(sentences), len(self.model.labels)), np.float32)
        known = np.zeros(len(sentences), np.int64)
        for group in self._groups(lengths):
            grid = self._grid(rows, offsets, group)
            best = np.full((len(group), self.model.maps), -np.inf, np.float32)
            counts = np.zeros(len(group), np.int64)
            for first in range(0, len(grid) - self._longest + 1, self._chunk):
                slots = self._slots(grid[first : first + self._chunk + self._longest - 1])
                last = first + self._chunk > len(grid) - self._longest
                counts += self.projection.is_word[slots if last else slots[: self._chunk]].sum(axis=0)
                column = 0
                for window in self.model.windows:
                    highest = self._window_sums(window, slots).max(axis=0)
                    place = best[:, column : column + highest.shape[1]]
                    np.maximum(place, highest, out=place)
                    column += highest.shape[1]
            logits[group] = self.logits(self._activate(best))
            known[group] = counts
        return Scores(logits, known)

    def _rows(self, sentences: Sequence[Sequence[str]]) -> tuple[np.ndarray, list[int]]:
        lengths = [len(words) for words in sentences]
        return self.projection.rows(sentences, sum(lengths)), lengths

    def _groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Numbers of sentences of like length, as many as fill a chunk; a sentence longer than that stands alone."""
        groups: list[list[int]] = []
        shortest = 0
        for number in sorted(range(len(lengths)), key=lengths.__getitem__):
            length = lengths[number] + 2 * self.model.pad + self._longest
            if groups and length <= 1.25 * shortest and length * (len(groups[-1]) + 1) <= self._chunk:
                groups[-1].append(number)
            else:
                groups.append([number])
                shortest = length
        return groups

    def _grid(self, rows: np.ndarray, offsets: Sequence[int], group: Sequence[int]) -> np.ndarray:
        """Rows of the sentences in a group with their pad positions, what is shorter filled up: [positions, group]."""
        pad = self.model.pad
        ends = [max(offsets[i + 1] - offsets[i] + 2 * pad, self._longest) for i in group]
        grid = np.full((max(ends), len(group)), _AFTER, np.int64)
        for column, (number, end) in enumerate(zip(group, ends, strict=True)):
            begin, after = offsets[number], offsets[number + 1]
            grid[:end, column] = PADDING
            grid[pad : pad + after - begin, column] = rows[begin:after]
        return grid

    def _slots(self, grid: np.ndarray) -> np.ndarray:
        inside = grid != _AFTER
        if inside.all():
            return self.projection.slots(grid)
        slots = np.full(grid.shape, VOID, np.int64)
        slots[inside] = self.projection.slots(grid[inside])
        return slots

    def _window_sums(self, window: int, slots: np.ndarray) -> np.ndarray:
        """What the window's filters give at each place, without bias: float32 [places, texts, maps], in a buffer."""
        tables = self.projection.tables[window]
        shape = (len(slots) - window + 1, slots.shape[1], tables[0].shape[1])
        sums, terms = (buffer[: math.prod(shape)].reshape(shape) for buffer in (self._sums, self._terms))
        for position, table in enumerate(tables):
            # "clip" lets NumPy write straight into `out`; every slot is inside the table
            table.take(slots[position : position + shape[0]], 0, terms if position else sums, "clip")
            if position:
                np.add(sums, terms, out=sums)
        return sums

    def _activate(self, sums: np.ndarray) -> np.ndarray:
        values = sums + self._bias
        activation = self.model.activation
        if activation == "relu":
            return np.maximum(values, 0, out=values)
        if activation == "tanh":
            return np.tanh(values, out=values)
        return (1 + np.tanh(values / 2)) / 2 if activation == "sigmoid" else values


def probabilities(logits: np.ndarray, multi_label: bool = False) -> np.ndarray:
    """Softmax over the labels, or with `multi_label` a sigmoid for each: float64 of the same shape."""
    values = np.asarray(logits, np.float64)
    if multi_label:
        return (1 + np.tanh(values / 2)) / 2
    shares = np.exp(values - values.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)

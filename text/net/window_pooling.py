"""Convolution over words and maximum over time in one, for training on a CPU: exact, and only what counts.

Two facts about Kim's net make it several times as fast as a convolution. A batch repeats its words: every *different*
word is multiplied with all filter positions once (one matrix product), and a window is a sum of such products. And of
all windows only the one with the maximum gets a gradient: the backward pass visits one window for each map and
sentence, not all of them. `benchmarks/text_training.py` measures both against the convolution.

With several threads of torch's each takes a share of the sentences forward, and a share of the feature maps backward,
with a table of its own for the gradients of the vectors: those are added up in the order of the threads, so that the
same number of threads gives the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from casecnn.compiled import njit


# Loops over whole rows, functions of their own: the compiler makes SIMD of them, not of loops over parts of arrays.
@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _add(total, row):
    for d in range(len(total)):
        total[d] += row[d]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _add_multiple(total, factor, row):
    for d in range(len(total)):
        total[d] += factor * row[d]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _keep_larger(best, starts, sums, start):
    for m in range(len(sums)):
        better = sums[m] > best[m]
        best[m] = sums[m] if better else best[m]
        starts[m] = start if better else starts[m]


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _pool(words, offsets, products, windows, maps, pad, best, starts):
    """Fill best [N, windows * maps] and starts, the first window that has the maximum, counted from the first word."""
    sums = np.empty(maps, np.float32)
    best[:], starts[:] = -np.inf, -pad
    for n in range(len(offsets) - 1):
        first = offsets[n]
        length = offsets[n + 1] - first
        base = 0
        for k in range(len(windows)):
            h = windows[k]
            here = slice(k * maps, (k + 1) * maps)
            for start in range(-pad, max(length + pad - h, -pad) + 1):
                sums[:] = 0
                for j in range(max(0, -start), min(h, length - start)):
                    column = base + j * maps
                    _add(sums, products[words[first + start + j], column : column + maps])
                _keep_larger(best[n, here], starts[n, here], sums, np.int32(start))
            base += h * maps


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _pool_backward(
    words, offsets, vectors, filters, gradient, starts, windows, maps, first_map, last_map, skip, to_vectors, to_filters
):
    """Add gradients of some maps to to_vectors [U, D] (columns from `skip` on) and to_filters [.. * maps, D]."""
    wide = vectors.shape[1]
    base = 0
    for k in range(len(windows)):
        h = windows[k]
        for m in range(first_map, last_map):
            for n in range(len(offsets) - 1):
                g = gradient[n, k * maps + m]
                if g == 0.0:
                    continue
                first = offsets[n]
                length = offsets[n + 1] - first
                start = starts[n, k * maps + m]
                for j in range(max(0, -start), min(h, length - start)):
                    row = words[first + start + j]
                    filter_row = base + j * maps + m
                    _add_multiple(to_filters[filter_row], g, vectors[row])
                    if skip < wide:
                        _add_multiple(to_vectors[row, skip:], g, filters[filter_row, skip:])
        base += h * maps


@cache
def _pool_of(threads: int, process: int) -> ThreadPoolExecutor:
    """Return the threads of this process. A forked process makes its own: it has none of its parent's."""
    return ThreadPoolExecutor(threads, "casecnn-pooling")


def _in_threads(work: Callable[[int, int, int], None], count: int) -> None:
    """Call work(thread, first, last) for shares of `count`, one for each of torch's threads, and wait for them."""
    threads = min(torch.get_num_threads(), max(count, 1))
    if threads == 1:
        work(0, 0, count)
        return
    bounds = [count * number // threads for number in range(threads + 1)]
    pool = _pool_of(threads, os.getpid())
    for future in [pool.submit(work, n, bounds[n], bounds[n + 1]) for n in range(threads)]:
        future.result()


class _WindowPooling(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        vectors: Tensor,
        filters: Tensor,
        words: Tensor,
        offsets: Tensor,
        windows: tuple[int, ...],
        skip: int,
    ) -> Tensor:
        maps = len(filters) // sum(windows)
        best = torch.empty(len(offsets) - 1, len(windows) * maps)
        starts = np.empty(best.shape, np.int32)
        sizes = np.array(windows, np.int64)
        products = (vectors @ filters.t()).numpy()
        texts, places, highest = words.numpy(), offsets.numpy(), best.numpy()

        def pool(_: int, first: int, last: int) -> None:
            here = slice(first, last)
            _pool(texts, places[first : last + 1], products, sizes, maps, max(windows) - 1, highest[here], starts[here])

        _in_threads(pool, len(places) - 1)
        ctx.save_for_backward(vectors, filters, words, offsets)
        ctx.starts, ctx.sizes, ctx.maps, ctx.skip = starts, sizes, maps, skip
        return best

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        vectors, filters, words, offsets = ctx.saved_tensors
        to_filters = torch.zeros_like(filters)
        texts, places, known, weights = (tensor.numpy() for tensor in (words, offsets, vectors, filters))
        gradient = gradients[0].contiguous().numpy()
        skip = ctx.skip if ctx.needs_input_grad[0] else vectors.shape[1]
        to_vectors = [torch.zeros_like(vectors) for _ in range(min(torch.get_num_threads(), ctx.maps))]
        into_filters = to_filters.numpy()

        def pool(number: int, first: int, last: int) -> None:
            into = to_vectors[number].numpy()
            _pool_backward(
                texts, places, known, weights, gradient, ctx.starts, ctx.sizes, ctx.maps, first, last, skip, into,
                into_filters,
            )  # fmt: skip

        _in_threads(pool, ctx.maps)
        for other in to_vectors[1:]:
            to_vectors[0] += other
        return to_vectors[0] if ctx.needs_input_grad[0] else None, to_filters, None, None, None, None


def window_pooling(
    vectors: Tensor, filters: Tensor, words: Tensor, offsets: Tensor, windows: tuple[int, ...], skip: int = 0
) -> Tensor:
    """The largest sum of every feature map over the windows of every sentence, before bias and activation.

    vectors float32 [U, D]: the vectors of the different words; filters float32 [sum of windows * maps, D], for each
    window its positions, for each position the feature maps (`filter_rows`); words int64 [T]: the rows in `vectors` of
    all words of all sentences, one after the other; offsets int64 [N + 1]: where each sentence begins. A sentence has
    `max(windows) - 1` pad positions of zeros on either side; one that is still shorter than a window has one window.
    Returns float32 [N, windows * maps], on the CPU. Of equal windows the first gets the gradient. The gradient of the
    first `skip` columns of `vectors` is left at zero: those of frozen channels.
    """
    return _WindowPooling.apply(vectors.contiguous(), filters.contiguous(), words, offsets, windows, skip)


def filter_rows(weights: list[Tensor]) -> Tensor:
    """Return filters as `window_pooling` takes them, from the weights [maps, channels, window, dim] of each window."""
    return torch.cat([weight.permute(2, 0, 1, 3).flatten(2).flatten(0, 1) for weight in weights])

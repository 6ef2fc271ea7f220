"""Convolutions for inference with a quarter of the products: Winograd's F(4x4, 3x3), and F(2x2, 5x5).

Six by six pixels make four by four outputs of a 3x3 convolution with 36 products for each pair of channels, where 144
stand in its definition. The 36 are one matrix product each, over all channels; before them each channel's tile is
transformed, and after them each output's, see `casecnn.kernels.winograd_vectors`. The weights are transformed once, and
are then four times as large (for 5x5: 1.44 times). Rounding errors are about those of a plain convolution in float32.

Maps may be bfloat16; factors and products are float32 even so, and nothing but the outputs is rounded. Vector units
that multiply bfloat16 do so twice as fast, which is less than a quarter of the products saves.

Compiled by numba at the first call, for the CPU at hand, and kept on disk: no compiler need be installed. Rule, layout,
plan and kernel are in one file, since all of them know what a tile is.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from casecnn.kernels import winograd_loops as loops
from casecnn.kernels.convolution import Convolution, Kernel
from casecnn.kernels.parallel import compiled, offer_core, run
from casecnn.kernels.vectors import BYTES, VECTORS, WIDTH, vector_width
from casecnn.kernels.winograd_vectors import CELLS, LEAST_ROWS, POINTS
from casecnn.layers.shapes import Pair

IMAGES = 8  # that go through a chain together: what lies between two of its convolutions stays in the cache
SIDES = {3: 4, 5: 2}  # outputs of a tile each way, for each size of window
KEPT = 64  # plans

# What `wins` goes by, in multiply-adds; measured on two cores of an EPYC with AVX-512.
TRANSFORM = 16  # as many as a channel of a tile's transform takes as long as, each of 36
READING = {torch.float32: 3.5, torch.bfloat16: 9}  # done while a byte comes from memory, with vectors of 16
LEAST_WORK = 1_000_000  # below that calling takes longer than computing
FASTER = {torch.float32: 1, torch.bfloat16: 2}  # times as many products of a plain convolution a second


def fits(convolution: Convolution) -> bool:
    """Whether a convolution can be done here at all, and has channels enough for it ever to be the faster way."""
    weight = convolution.weight
    outputs, channels = weight.shape[:2]
    plain = convolution.stride == convolution.dilation == (1, 1) and convolution.groups == 1
    windows = {torch.float32: ((3, 3), (5, 5)), torch.bfloat16: ((3, 3),)}.get(weight.dtype, ())
    known = convolution.kernel in windows and convolution.activation in (None, "relu")
    if not plain or not known or weight.device.type != "cpu" or not vector_width():
        return False
    side = SIDES[convolution.kernel[0]]
    return fewer(convolution, side, side)


def _work(tiles: int, channels: int, outputs: int) -> int:
    """Multiply-adds in the products, and as many more as take the time of the transforms."""
    wide, far = channels + -channels % WIDTH, outputs + -outputs % WIDTH
    return CELLS * tiles * (wide * far + TRANSFORM * (wide + far))


def fewer(convolution: Convolution, out_height: int, out_width: int) -> bool:
    """Whether products and transforms take less than a plain convolution's products, whatever memory does."""
    outputs, channels, size, _ = convolution.weight.shape
    tiles = -(-out_height // SIDES[size]) * -(-out_width // SIDES[size])
    plain = out_height * out_width * size * size * channels * outputs
    return _work(tiles, channels, outputs) < plain / FASTER[convolution.weight.dtype]


def wins(convolution: Convolution, images: int, out_height: int, out_width: int) -> bool:
    """Whether it is faster than a plain convolution: whether products, transforms and reading its larger weights are.

    A rule and no measurement, so that the same input always takes the same way, and so gives the same numbers. It
    counts a plain convolution's multiply-adds as done at full speed, as the best libraries nearly do for large ones.
    """
    outputs, channels, size, _ = convolution.weight.shape
    plain = images * out_height * out_width * size * size * channels * outputs / FASTER[convolution.weight.dtype]
    reading = (
        CELLS
        * (channels + -channels % WIDTH)
        * (outputs + -outputs % WIDTH)
        * 4
        * READING[convolution.weight.dtype]
        * WIDTH
        / 16
    )
    return fewer(convolution, out_height, out_width) and plain >= LEAST_WORK and plain > reading


class Weights(NamedTuple):
    """A convolution's weights, transformed: see `lay_out`. `bias` float32, with zeros up to a multiple of WIDTH."""

    right: np.ndarray
    bias: np.ndarray
    channels: int
    outputs: int
    kernel: int


def lay_out(weight: Tensor, bias: Tensor | None = None) -> Weights:
    """The weights float [outputs, channels, 3, 3] (or 5, 5) in the order in which the products read them.

    For each block of VECTORS vectors of outputs, the last of which may be shorter, 36 matrices of channels by outputs;
    channels and outputs are filled up with zeros to multiples of WIDTH.
    """
    outputs, channels, size, _ = weight.shape
    points = torch.tensor(POINTS, dtype=torch.float64)
    scale = torch.stack([(p - torch.cat([points[:i], points[i + 1 :]])).prod() for i, p in enumerate(points)])
    last = torch.zeros(1, size, dtype=torch.float64)
    last[0, -1] = 1
    matrix = torch.cat([points[:, None] ** torch.arange(size) / scale[:, None], last])  # G of the papers
    flat = weight.detach().double().cpu().permute(2, 3, 1, 0).reshape(size * size, channels * outputs)
    cells = (torch.kron(matrix, matrix) @ flat).float().reshape(CELLS, channels, outputs)  # G weight G', all at once
    wide = F.pad(cells, (0, -outputs % WIDTH, 0, -channels % WIDTH))
    width = VECTORS * WIDTH
    whole = wide.shape[2] // width * width
    blocks = wide[:, :, :whole].reshape(CELLS, wide.shape[1], whole // width, width).permute(2, 0, 1, 3)
    right = zeros(wide.numel())
    right[: blocks.numel()] = blocks.reshape(-1).numpy()
    right[blocks.numel() :] = wide[:, :, whole:].reshape(-1).numpy()
    shift = zeros(wide.shape[2])
    if bias is not None:
        shift[:outputs] = bias.detach().float().cpu().numpy()
    return Weights(right, shift, channels, outputs, size)


def zeros(length: int) -> np.ndarray:
    """float32 [length] that begins at a line of the cache."""
    space = np.zeros(length + 16, np.float32)
    begin = -space.ctypes.data % 64 // 4
    return space[begin : begin + length]


class Plan(NamedTuple):
    """What `casecnn.kernels.winograd_loops` works off: `head` int64, and a view of it, `steps` int64 [layers, STEP].

    `memory` is where it keeps what lies between its steps.
    """

    head: np.ndarray
    steps: np.ndarray
    memory: np.ndarray

    @property
    def current(self) -> bool:
        """Whether its memory is still what this thread's calls share."""
        return self.memory is _own.memory


class _Own(threading.local):
    memory = np.zeros(0, np.float32)  # that a thread's calls share, since they come one after the other


_own = _Own()


class Needs(NamedTuple):
    """What a step needs of a plan: how many counters, and bytes of factors, of split blocks' factors, of products."""

    counters: int
    factors: int
    shared: int
    products: int


def step_of(
    weights: Weights, padding: Pair, relu: bool, images: tuple[int, int, int], threads: int, size: int = loops.FULL
) -> tuple[np.ndarray, Needs]:
    """The step of a convolution for `images` (how many, height, width) of numbers of `size` bytes, and what it needs.

    Source, target, sum, memory of split blocks and first counter are left to be filled in.
    """
    count, height, width = images
    down, across = padding
    out_height, out_width = height + 2 * down - weights.kernel + 1, width + 2 * across - weights.kernel + 1
    side = SIDES[weights.kernel]
    tiles_down, tiles_across = -(-out_height // side), -(-out_width // side)
    tiles = count * tiles_down * tiles_across
    share = loops.share_out(tiles, weights.channels, weights.outputs, threads)
    row = np.zeros(loops.STEP, np.int64)
    row[: loops.SHARED] = (
        0, 0, height, width, weights.channels, out_height, out_width, weights.outputs, tiles, tiles_down, tiles_across,
        side, down, across, weights.right.ctypes.data, weights.bias.ctypes.data, relu, 0, *share,
    )  # fmt: skip
    row[loops.SIZE], row[loops.OUT_PIXEL] = size, weights.outputs * size
    steps = -(-weights.channels // WIDTH)
    most = max(share.whole_tiles, -(-share.split_tiles // share.parts), LEAST_ROWS)
    return row, Needs(
        counters=2 + 4 * share.splits,
        factors=CELLS * _line(steps * max(share.whole_tiles, LEAST_ROWS) * BYTES) if share.whole else 0,
        shared=CELLS * _line(steps * (share.split_tiles + LEAST_ROWS) * BYTES) if share.splits else 0,
        products=CELLS * _line(most * VECTORS * BYTES) + LEAST_ROWS * VECTORS * BYTES,
    )


def plan_of(
    weights: Sequence[Weights],
    paddings: Sequence[Pair],
    relus: Sequence[bool],
    images: tuple[int, int, int],
    threads: int,
    size: int = loops.FULL,
) -> Plan:
    """The plan of a chain for `images` (how many, height, width); source, target and sum are left to be filled in.

    Numbers of all maps have ``size`` bytes.
    """
    count, height, width = images
    rows: list[np.ndarray] = []
    needs: list[Needs] = []
    between = 0
    for each, padding, relu in zip(weights, paddings, relus, strict=True):
        row, need = step_of(each, padding, relu, (count, height, width), threads, size)
        rows.append(row)
        needs.append(need)
        height, width = int(row[loops.OUT_HEIGHT]), int(row[loops.OUT_ACROSS])
        if len(rows) < len(weights):
            between = max(between, _line(count * height * width * each.outputs * size))
    plan, base = make_plan(rows, needs, weights, threads, 2 * between)
    plan.steps[:, loops.SHARED] = base + 2 * between
    for number in range(1, len(rows)):
        plan.steps[number, loops.SOURCE] = plan.steps[number - 1, loops.TARGET] = base + number % 2 * between
    return plan


def make_plan(
    rows: Sequence[np.ndarray], needs: Sequence[Needs], weights: Sequence[Weights], threads: int, maps: int
) -> tuple[Plan, int]:
    """The plan of steps, and the address of memory of its own for `maps` bytes of what lies between the steps.

    `rows` are as long as each other; `weights` are those of the steps that are Winograd's.
    """
    factors = max((need.factors for need in needs), default=0)
    shared = max((need.shared for need in needs), default=0)
    products = max((need.products for need in needs), default=0)
    nowhere = _line(max((each.outputs for each in weights), default=0) * 4 + BYTES)
    own = _line(loops.OWN + nowhere + factors + products)
    memory = _reserved(maps + shared + threads * own)
    base = memory.ctypes.data
    nothing = loops.HEAD + sum(map(len, rows))  # zeros for a pixel beyond the edge
    counters = nothing + max((each.channels for each in weights), default=0) + WIDTH
    counters += -counters % 8
    head = zeros(2 * (counters + 8 * (1 + sum(need.counters for need in needs)))).view(np.int64)
    head[: loops.HEAD] = (
        len(head), len(rows), counters, offer_core(), base + maps + shared, own, head.ctypes.data + nothing * 8,
        loops.OWN + nowhere, loops.OWN + nowhere + factors,
    )  # fmt: skip
    steps = head[loops.HEAD : nothing].reshape(len(rows), -1)
    steps[:] = rows
    counter = 1
    for row, need in zip(steps, needs, strict=True):
        row[loops.FIRST_COUNTER] = counter
        counter += need.counters
    return Plan(head, steps, memory), base


def _line(size: int) -> int:
    """As in `casecnn.kernels.winograd_loops`: ``size`` bytes or more, in an odd number of lines of the cache."""
    return (-(-size // 64) | 1) * 64


def _reserved(size: int) -> np.ndarray:
    """This thread's memory, of ``size`` bytes at least."""
    if _own.memory.nbytes < size:
        _own.memory = zeros(-(-size // 4))
    return _own.memory


class DirectKernel(Kernel, Protocol):
    """A kernel that takes any images, and can tell the plain weights."""

    def plain(self) -> Tensor:
        """The weights [outputs, channels, rows, columns]."""
        ...


class WinogradConvolution:
    """A convolution of [N, C, H, W], with ReLU if it has one; the result is channels last. `fits` must hold.

    Maps are in the number format of its weights, float32 or bfloat16.

    `direct` does it where the images are such that `wins` does not hold; without it this one does them all. It also
    keeps the plain weights, as long as it has them in no layout of its own; here they are kept transformed alone. An
    image's answer depends on the others in its batch by no more than rounding.
    """

    def __init__(self, convolution: Convolution, direct: DirectKernel | None = None) -> None:
        plain = convolution.weight.detach()
        self.convolution = replace(convolution, weight=plain.to("meta"))
        self._plain, self._direct = plain if direct is None else None, direct
        self._chains: dict[Pair, WinogradChain] = {}  # of this one alone, by padding

    def __call__(self, x: Tensor, padding: Pair) -> Tensor:
        if self._direct is not None and not self.takes(x.shape, padding):
            return self._direct(x, padding)
        return self._alone(padding).run(x)

    def add_to(self, side: Tensor, x: Tensor, padding: Pair, relu: bool) -> Tensor:
        """The convolution of x plus ``side``, ReLU after the sum if wanted; the result overwrites ``side``."""
        if self._direct is not None and not self.takes(x.shape, padding):
            return self._direct.add_to(side, x, padding, relu)
        return self._alone(padding).run(x, side, relu)

    def follows(self, before: Kernel | None) -> bool:
        """Whether its padding is known beforehand, and the one before, if there is one, is of the same kind."""
        alike = before is None or (
            isinstance(before, WinogradConvolution) and before.convolution.weight.dtype == self.convolution.weight.dtype
        )
        return self.convolution.padding is not None and alike

    def takes(self, shape: Sequence[int], padding: Pair) -> bool:
        """Whether it does [N, C, H, W] itself."""
        count, _, *size = shape
        height, width = (n + 2 * p - k + 1 for n, p, k in zip(size, padding, self.convolution.kernel, strict=True))
        return self._direct is None or wins(self.convolution, count, height, width)

    @cached_property
    def weights(self) -> Weights:
        """The transformed weights, made when they are first asked for."""
        plain = self._plain if self._direct is None else self._direct.plain()
        if plain is None:  # another thread has just made them
            return self.weights
        made = lay_out(plain, self.convolution.bias)
        self.__dict__["weights"] = made  # before the plain ones go
        self._plain = None
        return made

    @property
    def nbytes(self) -> int:
        """Bytes of the weights in all layouts that are kept, the plain ones left out."""
        made: Weights | None = self.__dict__.get("weights")
        return (0 if made is None else made.right.nbytes) + getattr(self._direct, "nbytes", 0)

    def _alone(self, padding: Pair) -> WinogradChain:
        if padding not in self._chains:
            self._chains[padding] = WinogradChain([self], [padding])
        return self._chains[padding]


class WinogradChain:
    """Convolutions one after the other, some images at a time through all: from [N, C, H, W], channels last.

    Maps are in the number format of the weights, the same for all of them: float32 or bfloat16.

    `paddings` are those of the convolutions unless given.
    """

    def __init__(self, kernels: Sequence[WinogradConvolution], paddings: Sequence[Pair] | None = None) -> None:
        self.kernels = tuple(kernels)
        self.paddings = tuple(paddings or [kernel.convolution.padding or (0, 0) for kernel in kernels])
        self._plans: dict[tuple[int, ...], Plan] = {}

    def __call__(self, x: Tensor) -> Tensor:
        shape = list(x.shape)
        for kernel, padding in zip(self.kernels, self.paddings, strict=True):
            if not kernel.takes(shape, padding):
                for one, own in zip(self.kernels, self.paddings, strict=True):
                    x = one(x, own)
                return x
            size = kernel.convolution.kernel
            shape[2:] = [n + 2 * p - k + 1 for n, p, k in zip(shape[2:], padding, size, strict=True)]
        return self.run(x)

    @property
    def nbytes(self) -> int:
        """Bytes of the weights in all layouts that are kept, the plain ones left out."""
        return sum(kernel.nbytes for kernel in self.kernels)

    def run(self, x: Tensor, side: Tensor | None = None, relu: bool | None = None) -> Tensor:
        """The chain, by this kernel whatever `wins` says; plus `side`, if any, which then takes the result.

        `relu` says whether the last convolution ends with one, after the sum; None: as it does by itself.
        """
        weight = self.kernels[0].convolution.weight
        dtype, bytes_each = weight.dtype, weight.element_size()
        if x.dtype != dtype or x.shape[1] != weight.shape[1]:
            raise ValueError(f"x must be {dtype} and fit the weights, not {x.dtype} {tuple(x.shape)}")
        source = x.detach().permute(0, 2, 3, 1).contiguous()
        count, *size = source.shape[:3]
        height, width = size
        largest = 0
        for kernel, (down, across) in zip(self.kernels, self.paddings, strict=True):
            rows, columns = kernel.convolution.kernel
            height, width = height + 2 * down - rows + 1, width + 2 * across - columns + 1
            if height < 1 or width < 1:
                raise ValueError(f"windows do not fit into images of {size[0]} x {size[1]}")
            largest = max(largest, height * width * len(kernel.convolution.weight) * bytes_each)
        shape = (count, height, width, len(self.kernels[-1].convolution.weight))
        if side is None:
            out = torch.empty(shape, dtype=dtype)
        else:
            out = side.detach().permute(0, 2, 3, 1)
            if not out.is_contiguous() or out.shape != shape or out.dtype != dtype:
                raise ValueError(f"`side` must be {dtype}, channels last and {shape}, not {tuple(out.shape)}")
        threads = torch.get_num_threads()
        together = max(1, count)
        if len(self.kernels) > 1:
            together = max(1, min(max(IMAGES, threads), loops.SHARED_CACHE // largest))
        for begin in range(0, count, together):
            plan = self._plan(min(together, count - begin), size[0], size[1], threads)
            head, first, last = plan.head, plan.steps[0], plan.steps[-1]
            first[loops.SOURCE] = source.data_ptr() + begin * source.stride(0) * bytes_each
            last[loops.TARGET] = out.data_ptr() + begin * out.stride(0) * bytes_each
            last[loops.ADD] = side is not None
            last[loops.RELU] = self.kernels[-1].convolution.activation == "relu" if relu is None else relu
            head[head[loops.COUNTERS] :] = 0
            run(compiled(loops.work), head, threads)
        return out.permute(0, 3, 1, 2)

    def _plan(self, count: int, height: int, width: int, threads: int) -> Plan:
        """The plan for ``count`` images of one size, without the addresses that each call has anew."""
        key = (threading.get_ident(), count, height, width, threads)
        kept = self._plans.get(key)
        if kept is not None and kept.current:
            return kept
        if len(self._plans) >= KEPT:
            self._plans.clear()
        weights = [kernel.weights for kernel in self.kernels]
        relus = [kernel.convolution.activation == "relu" for kernel in self.kernels]
        size = self.kernels[0].convolution.weight.element_size()
        plan = plan_of(weights, self.paddings, relus, (count, height, width), threads, size)
        self._plans[key] = plan
        return plan

    def __getstate__(self) -> dict[str, object]:
        """Without the plans: they are full of addresses."""
        return {**self.__dict__, "_plans": {}}

"""A stretch of small layers for inference, in one compiled call: see `casecnn.stretches.loops`.

Calling a layer of torch takes a few thousandths of a millisecond, as long as a small layer computes. Here the whole
stretch is laid out as a plan once for each size of input, and after that a call is one call, with no memory to be asked
for between the layers. Where Winograd's convolution needs fewer products it is taken (`casecnn.kernels.winograd`); the
others add up their windows as they are defined, in registers.

Compiled by numba at the first call, for the CPU at hand, and kept on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from casecnn.kernels import winograd, winograd_loops
from casecnn.kernels.convolution import Convolution
from casecnn.kernels.parallel import compiled, run_at
from casecnn.kernels.threads import FREE_CORES
from casecnn.kernels.vectors import VECTORS, WIDTH
from casecnn.kernels.winograd import SIDES, Needs, Plan, Weights, make_plan, step_of, zeros
from casecnn.layers.shapes import Shape, ShapeError
from casecnn.stretches import loops
from casecnn.stretches.operations import Operation

# Measured on an EPYC with AVX-512, and limited to AVX2.
MOST_WEIGHTS = {torch.float32: 3 * 1024 * 1024, torch.bfloat16: 5 * 1024 * 1024}
"""Bytes of a convolution: more do not stay in a core's cache from row to row."""
MOST_READ_ONCE = 8 * 1024 * 1024  # bytes of one that has one pixel of output
TOGETHER = 1024 * 1024  # bytes of maps of the inputs that go through the stretch together
LEAST_TILES_HALF = 40  # of fewer, threads read each other's factors, which products of bfloat16 are faster than
MANY_WEIGHTS = 8 * 1024 * 1024  # bytes; more have to be read from memory each time, and so more inputs go together
TOGETHER_MANY = 32 * 1024 * 1024
ALONE = 3_000_000  # multiply-adds of a call that one thread does before two have begun
KEPT = 64  # plans


class Filters(NamedTuple):
    """A convolution's weights, for `casecnn.stretches.windows.convolve`."""

    right: np.ndarray
    bias: np.ndarray


def lay_out(weight: Tensor, bias: Tensor | None, half: bool = False) -> Filters:
    """Weights float [outputs, channels, rows, columns] in the order in which they are read.

    For each block of VECTORS vectors of outputs, the last of which may be shorter, line by line of the window. With
    ``half`` they are pairs of bfloat16, of two channels each.
    """
    outputs = len(weight)
    if half:
        even = F.pad(weight.detach().bfloat16(), (0, 0, 0, 0, 0, weight.shape[1] % 2))
        pairs = even.permute(2, 3, 1, 0).reshape(-1, 2, outputs).transpose(1, 2).contiguous()
        flat = pairs.view(torch.float32).reshape(-1, outputs).numpy()
    else:
        flat = weight.detach().float().permute(2, 3, 1, 0).reshape(-1, outputs).numpy()
    wide = outputs + -outputs % WIDTH
    right, shift = zeros(len(flat) * wide), zeros(wide)
    at = 0
    for begin in range(0, wide, VECTORS * WIDTH):
        end = min(begin + VECTORS * WIDTH, wide)
        block = right[at : at + len(flat) * (end - begin)].reshape(len(flat), -1)
        there = flat[:, begin : min(end, outputs)]
        block[:, : there.shape[1]] = there
        at += block.size
    if bias is not None:
        shift[:outputs] = bias.detach().float().numpy()
    return Filters(right, shift)


class Call(NamedTuple):
    """What there is to do for inputs of one shape: plans, with how many inputs each takes, and where addresses go.

    `reads` and `writes` are the places in a plan that want the address of the stretch's input and of its result; each
    of `writes` with how many bytes further.
    """

    parts: tuple[tuple[Plan, int, int], ...]
    reads: tuple[int, ...]
    writes: tuple[tuple[int, int], ...]
    threads: int
    input_bytes: int
    output_bytes: int
    output: Shape


class Stretch:
    """Operations in the order in which they are done, for [N, C, H, W]; the last one's target is the result.

    Nothing adds to map 0, the input. With ``flat`` the result is [N, C], of maps of one pixel. With ``yields`` it uses
    fewer threads while other programs keep cores busy (`casecnn.kernels.threads`). Maps are float32, with ``half``
    bfloat16, which the CPU must be able to multiply.
    """

    def __init__(
        self, operations: Sequence[Operation], flat: bool = False, yields: bool = True, half: bool = False
    ) -> None:
        self.operations, self.flat, self.yields = tuple(operations), flat, yields
        self.dtype = torch.bfloat16 if half else torch.float32
        self._size = self.dtype.itemsize
        self._calls: dict[tuple[object, ...], Call | None] = {}
        self._filters: dict[tuple[int, Shape], Filters] = {}
        self._tiles: dict[int, Weights] = {}

    def __call__(self, x: Tensor) -> Tensor | None:
        """The result for x, in its number format; None for inputs that do not fit or are so large that it is slow."""
        call = self._call(x.shape)
        if call is None:
            return None
        source = x if x.dtype == self.dtype else x.to(self.dtype)
        if not source.is_contiguous(memory_format=torch.channels_last):
            source = source.contiguous(memory_format=torch.channels_last)
        out = torch.empty(call.output, dtype=self.dtype)
        read, write = source.data_ptr(), out.data_ptr()
        function = compiled(loops.work)
        for plan, count, address in call.parts:
            head = plan.head
            for place in call.reads:
                head[place] = read
            for place, further in call.writes:
                head[place] = write + further
            head[head[winograd_loops.COUNTERS] :] = 0
            run_at(function, address, call.threads)
            read += count * call.input_bytes
            write += count * call.output_bytes
        if x.dtype != self.dtype:
            out = out.to(x.dtype)
        return out if self.flat else out.permute(0, 3, 1, 2)

    @property
    def nbytes(self) -> int:
        """Bytes of the weights in all layouts that are kept, the plain ones left out."""
        arrays = [*(each.right for each in self._filters.values()), *(each.right for each in self._tiles.values())]
        return sum(array.nbytes for array in arrays)

    def _call(self, shape: torch.Size) -> Call | None:
        most = torch.get_num_threads()
        if self.yields:
            most = FREE_CORES.threads(most)
        key = (shape, most, threading.get_ident())
        call = self._calls.get(key, _UNKNOWN)
        if call is _UNKNOWN or call is not None and not call.parts[0][0].current:
            if len(self._calls) >= KEPT:
                self._calls = {}
            call = self._calls[key] = self._made(shape, most)
        return call

    def _made(self, shape: Sequence[int], most: int) -> Call | None:
        found = self._shapes(tuple(shape[1:])) if len(shape) == 4 and shape[0] > 0 else None
        if found is None:
            return None
        shapes, macs = found
        ways = [self._by_tiles(each, shape[0], shapes[each.source]) for each in self.operations]
        if any(self._narrow(each, shapes[each.source][0]) for each in self.operations):
            return None
        if any(not tiles and large(each, self.dtype) for each, tiles in zip(self.operations, ways, strict=True)):
            return None
        count, result = shape[0], self.operations[-1].target
        threads = most if count * macs >= ALONE else 1
        largest = sorted(self._size * prod(each) for each in shapes)[-2:]
        weights = sum(
            each.weight.numel() * (16 if tiles else self._size)
            for each, tiles in zip(self.operations, ways, strict=True)
            if each.weight is not None
        )
        room = TOGETHER if weights <= MANY_WEIGHTS else TOGETHER_MANY
        together = min(count, max(threads, room // sum(largest)))
        plans: dict[int, Plan] = {}
        parts = []
        for begin in range(0, count, together):
            number = min(together, count - begin)
            if number not in plans:
                plans[number] = self._plan(number, shapes, ways, threads)
            parts.append((plans[number], number, plans[number].head.ctypes.data))
        reads, writes = [], []
        for step, each in enumerate(self.operations):
            place = winograd_loops.HEAD + step * loops.STEP
            if each.source == 0:
                reads.append(place + loops.SOURCE)
            elif each.source == result:
                writes.append((place + loops.SOURCE, 0))
            if each.target == result:
                writes.append((place + loops.TARGET, self._size * each.offset))
        channels, height, width = shapes[result]
        return Call(
            tuple(parts),
            tuple(reads),
            tuple(writes),
            threads,
            self._size * prod(shapes[0]),
            self._size * prod(shapes[result]),
            (count, channels) if self.flat else (count, height, width, channels),
        )

    def _shapes(self, shape: Shape) -> tuple[tuple[Shape, ...], int] | None:
        """Those of all maps, by their numbers, for an input (C, H, W), and its multiply-adds; None: not for here."""
        found, macs = {0: shape}, 0
        try:
            for each in self.operations:
                target = each.target_shape(found[each.source])
                if found.get(each.target, target) != target:
                    return None
                found[each.target] = target
                macs += each.macs(found[each.source])
        except ShapeError:
            return None
        if self.flat and found[self.operations[-1].target][1:] != (1, 1):
            return None
        return tuple(found[number] for number in range(len(found))), macs

    def _plan(self, count: int, shapes: Sequence[Shape], ways: Sequence[bool], threads: int) -> Plan:
        """The plan for ``count`` inputs, but for the addresses of input and result."""
        made = [self._step(number, count, shapes, tiles, threads) for number, tiles in enumerate(ways)]
        tiles = [weights for _, _, weights in made if weights is not None]
        offsets, total = self._places([self._size * count * prod(shape) for shape in shapes])
        plan, base = make_plan([row for row, _, _ in made], [need for _, need, _ in made], tiles, threads, total)
        for each, step in zip(self.operations, plan.steps, strict=True):
            step[loops.SOURCE], step[loops.TARGET] = base + offsets[each.source], base + offsets[each.target]
            step[loops.TARGET] += self._size * each.offset
            if step[loops.KIND] == loops.TILES:
                step[winograd_loops.SHARED] = base + total
        return plan

    def _places(self, sizes: Sequence[int]) -> tuple[list[int], int]:
        """Where in memory each map lies, and how much that takes: maps that are never there together share it."""
        last = {number: step for step, each in enumerate(self.operations) for number in (each.source, each.target)}
        offsets, total = [0] * len(sizes), 0
        held: dict[int, tuple[int, int]] = {}  # begin and end of each map that is there
        for step, each in enumerate(self.operations):
            if each.target not in held and each.target != self.operations[-1].target:
                at = 0
                for begin, end in sorted(held.values()):
                    if at + sizes[each.target] <= begin:
                        break
                    at = end
                end = at + sizes[each.target]
                offsets[each.target], held[each.target] = at, (at, end + -end % 64)
                total = max(total, held[each.target][1])
            held = {number: place for number, place in held.items() if last[number] > step}
        return offsets, total

    def _step(
        self, number: int, count: int, shapes: Sequence[Shape], by_tiles: bool, threads: int
    ) -> tuple[np.ndarray, Needs, Weights | None]:
        each = self.operations[number]
        (channels, height, width), (outputs, out_height, out_width) = shapes[each.source], shapes[each.target]
        size = self._size
        out_pixel = size * outputs
        if each.width is not None:
            outputs = each.output(shapes[each.source])[0]
        row = np.zeros(loops.STEP, np.int64)
        if by_tiles:
            assert each.lie is not None
            tiles = self._tiles_of(number)
            rows, columns = each.lie(height, width)
            padding = rows.before, columns.before
            own, need = step_of(tiles, padding, each.relu, (count, height, width), threads, size)
            row[: len(own)] = own
            row[winograd_loops.ADD], row[loops.KIND] = each.adds, loops.TILES
            row[loops.TILES_OUT_PIXEL] = out_pixel
            return row, need, tiles

        window, rows, columns = each.windows(shapes[each.source])
        down, right = each.stride
        above, below = rows.before, rows.after + rows.overhang
        before, behind = columns.before, columns.after + columns.overhang
        pixel, image = size * channels, size * channels * height * width
        filters = self._filters_of(number, shapes[each.source])
        if filters is not None and size == winograd_loops.HALF:
            channels += channels % 2
        copied = filters is not None and bool(above or below or before or behind or pixel != size * channels)
        pixel_read = size * channels if copied else pixel
        pitch = (before + width + behind) * pixel_read
        bands = min(out_height, -(-2 * threads // count)) if threads > 1 else 1
        values = {
            loops.KIND: _KINDS[each.kind], loops.IMAGES: count, loops.HEIGHT: height, loops.ACROSS: width,
            loops.CHANNELS: pixel // size, loops.OUT_HEIGHT: out_height, loops.OUT_ACROSS: out_width,
            loops.OUTPUTS: outputs, loops.DOWN: down, loops.RIGHT: right, loops.ABOVE: above, loops.BEFORE: before,
            loops.BELOW: below, loops.BEHIND: behind, loops.COLUMNS: window[1], loops.RELU: each.relu,
            loops.BANDS: bands, loops.PITCH: pitch, loops.LINES: window[0], loops.RUN: window[1] * channels * size // 4,
            loops.PIXEL: right * pixel_read, loops.OUT_PIXEL: out_pixel, loops.ADD: each.adds,
            loops.LINE: down * pitch, loops.IMAGE: image, loops.SIZE: size, loops.COPIED: copied,
        }  # fmt: skip
        scratch = 0
        if filters is not None:
            values |= {loops.WEIGHTS: filters.right.ctypes.data, loops.BIAS: filters.bias.ctypes.data}
            if copied:
                scratch = ((-(-out_height // bands) - 1) * down + window[0]) * pitch
            elif (out_height, out_width) == (1, 1):  # as one image: outputs side by side share what is read of weights
                bands = threads if count % threads == 0 else 1
                values |= {loops.IMAGES: 1, loops.OUT_HEIGHT: bands, loops.OUT_ACROSS: count // bands}
                values |= {loops.BANDS: bands, loops.LINE: count // bands * image, loops.PIXEL: image}
        elif each.kind == "largest":
            scratch = pixel * width
        elif each.kind == "normalise":
            neighbours, *numbers = each.response
            alpha, k = np.array(numbers, np.float64).view(np.int64)
            values |= {loops.NEIGHBOURS: neighbours, loops.ALPHA: int(alpha), loops.K: int(k)}
            scratch = pixel + 8 * neighbours
        elif each.kind == "mean":
            counted = (rows.before, columns.before, rows.after, columns.after) if each.counts_padding else (0, 0, 0, 0)
            slots = (loops.COUNTED_ABOVE, loops.COUNTED_BEFORE, loops.COUNTED_BELOW, loops.COUNTED_BEHIND)
            values |= dict(zip(slots, counted, strict=True))
        for slot, value in values.items():
            row[slot] = value
        return row, Needs(2, scratch, 0, 0), None

    def _by_tiles(self, each: Operation, count: int, shape: Shape) -> bool:
        """Whether Winograd's convolution is the faster one, by a rule: the same inputs always take the same way."""
        if each.lie is None or each.weight is None:
            return False
        rows, columns = each.lie(*shape[1:])
        around = rows.before == rows.after + rows.overhang and columns.before == columns.after + columns.overhang
        if each.weight.dim() != 4:
            return False
        convolution = Convolution(each.weight.to(self.dtype), each.bias, each.stride)
        if not around or not winograd.fits(convolution):
            return False
        tiles = count * -(-rows.windows // SIDES[3]) * -(-columns.windows // SIDES[3])
        if self.dtype == torch.bfloat16 and not large(each, self.dtype) and tiles < LEAST_TILES_HALF:
            return False
        if large(each, self.dtype) or self.dtype == torch.bfloat16:
            return winograd.wins(convolution, count, rows.windows, columns.windows)
        return winograd.fewer(convolution, rows.windows, columns.windows)

    def _narrow(self, each: Operation, channels: int) -> bool:
        """Whether there are too few channels for a layer that needs a whole vector of them."""
        half = self.dtype == torch.bfloat16
        if each.kind == "largest" and half:
            return each.relu or channels < 2 * WIDTH
        return channels < WIDTH and (each.kind == "normalise" or (each.kind == "mean" and half))

    def _tiles_of(self, number: int) -> Weights:
        """The weights for Winograd's convolution."""
        if number not in self._tiles:
            each = self.operations[number]
            assert each.weight is not None
            self._tiles[number] = winograd.lay_out(each.weight, each.bias)
        return self._tiles[number]

    def _filters_of(self, number: int, shape: Shape) -> Filters | None:
        """The weights for windows; for whole maps they depend on the maps' shape."""
        weight = self.operations[number].weight
        if weight is None:
            return None
        key = (number, shape if weight.dim() == 2 else ())
        if key not in self._filters:
            whole = weight.view(-1, *shape) if weight.dim() == 2 else weight
            self._filters[key] = lay_out(whole, self.operations[number].bias, self.dtype == torch.bfloat16)
        return self._filters[key]

    def __getstate__(self) -> dict[str, object]:
        """Without the plans: they are full of addresses."""
        return {**self.__dict__, "_calls": {}}


def large(each: Operation, dtype: torch.dtype = torch.float32) -> bool:
    """Whether its weights, in a number format, are so many that windows are the slow way."""
    if each.weight is None:
        return False
    most = MOST_READ_ONCE if each.weight.dim() == 2 else MOST_WEIGHTS[dtype]
    return dtype.itemsize * each.weight.numel() > most


_KINDS = {
    "convolution": loops.WINDOWS,
    "largest": loops.LARGEST,
    "mean": loops.MEAN,
    "shortcut": loops.SHORTCUT,
    "normalise": loops.NORMALISE,
}
_UNKNOWN = Call((), (), (), 0, 0, 0, ())

"""A convolution or a pooling worked out with numbers: every window's sum, and the gradients; from the reference.

The input is small and drawn by a seed; what is printed is what `casecnn.reference` computes, sum by sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casecnn.errors import UsageError
from casecnn.layers import Conv, Layer, Linear, MaxPool
from casecnn.layers.shapes import Shape, Span, pair
from casecnn.reference.arrays import pad
from casecnn.reference.convolution import conv2d, conv2d_backward
from casecnn.reference.pooling import max_pool2d, max_pool2d_backward, mean_pool2d, mean_pool2d_backward
from casecnn.vision.tables.grid import tex
from casecnn.vision.tables.words import step

MOST = 200
"""Cells that an input may have, and an output, to be worked out on paper."""


@dataclass(frozen=True)
class Worked:
    """One layer worked out, with the arrays of `casecnn.reference` without the batch.

    x and dx are [C, H, W], y and dy [O, H', W']; weight [O, C, kh, kw] and its gradient are None for a pooling.
    """

    title: str
    layer: Any
    rows: Span
    columns: Span
    x: np.ndarray
    weight: np.ndarray | None
    y: np.ndarray
    dy: np.ndarray
    dx: np.ndarray
    dw: np.ndarray | None

    @property
    def padded(self) -> np.ndarray:
        """The input with its padding: zeros, or minus infinity for a maximum."""
        value = -np.inf if isinstance(self.layer, MaxPool) else 0.0
        return pad(self.x[None], self.rows, self.columns, value)[0]

    def windows(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Each window's place in the output, and its rows and columns of the padded input."""
        (high, wide), (down, across) = pair(self.layer.kernel), step(self.layer)
        for i in range(self.rows.windows):
            for j in range(self.columns.windows):
                yield i, j, slice(i * down, i * down + high), slice(j * across, j * across + wide)

    def forward_sums(self) -> Iterator[str]:
        """One line for each element of the output: the products, or what the maximum is taken of."""
        padded = self.padded
        for o in range(len(self.y)):
            for i, j, down, across in self.windows():
                name = f"y[{o},{i},{j}]" if len(self.y) > 1 else f"y[{i},{j}]"
                value = number(self.y[o, i, j])
                if self.weight is not None:
                    pairs = zip(padded[:, down, across].ravel(), self.weight[o].ravel(), strict=True)
                    yield f"{name} = {' + '.join(f'{signed(a)}*{signed(w)}' for a, w in pairs)} = {value}"
                elif isinstance(self.layer, MaxPool):
                    cells = [number(cell) for cell in padded[o, down, across].ravel() if np.isfinite(cell)]
                    yield f"{name} = max({', '.join(cells)}) = {value}"
                else:
                    window = self._inside(down, across, o)
                    yield f"{name} = ({' + '.join(map(signed, window))}) / {len(window)} = {value}"

    def gradient_sums(self) -> Iterator[str]:
        """One line for each element of dL/dW, or for each window of a pooling: where its gradient goes."""
        padded = self.padded
        if self.weight is not None:
            down, across = step(self.layer)
            for o, c, a, b in np.ndindex(self.weight.shape):
                name = (
                    f"dL/dW[{o},{c},{a},{b}]" if self.weight.shape[0] * self.weight.shape[1] > 1 else f"dL/dW[{a},{b}]"
                )
                parts = [
                    f"{signed(self.dy[o, i, j])}*{signed(padded[c, i * down + a, j * across + b])}"
                    for i, j, _, _ in self.windows()
                ]
                assert self.dw is not None
                yield f"{name} = {' + '.join(parts)} = {number(self.dw[o, c, a, b])}"
            return
        for c in range(len(self.x)):
            for i, j, rows, columns in self.windows():
                gradient = number(self.dy[c, i, j])
                name = f"dL/dy[{c},{i},{j}]" if len(self.x) > 1 else f"dL/dy[{i},{j}]"
                if not isinstance(self.layer, MaxPool):
                    count = len(self._inside(rows, columns, c))
                    share = number(self.dy[c, i, j] / count)
                    yield f"{name} = {gradient}: {share} to each of {count} cells of its window"
                    continue
                window = padded[c, rows, columns]
                row, column = np.unravel_index(window.argmax(), window.shape)
                place = int(row) + rows.start - self.rows.before, int(column) + columns.start - self.columns.before
                ties = int((window == window.max()).sum())
                tie = f", the first of {ties} that are as large" if ties > 1 else ""
                yield f"{name} = {gradient} goes to x[{place[0]},{place[1]}] = {number(window.max())}{tie}"

    def _inside(self, down: slice, across: slice, channel: int) -> list[float]:
        """The cells of a window that lie on the input."""
        top, left = self.rows.before, self.columns.before
        found = self.x[
            channel, max(down.start - top, 0) : down.stop - top, max(across.start - left, 0) : across.stop - left
        ]
        return found.ravel().tolist()

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        arrays = {"x": self.x, "weight": self.weight, "y": self.y, "dL/dy": self.dy, "dL/dx": self.dx, "dL/dW": self.dw}
        return {
            "layer": self.title,
            **{name: None if array is None else array.tolist() for name, array in arrays.items()},
            "sums": list(self.forward_sums()),
            "gradient_sums": list(self.gradient_sums()),
        }

    def text(self) -> str:
        """For people: the arrays, every sum, the gradients."""
        lines = [self.title, "", "input x", *blocks(self.x)]
        if self.weight is not None:
            lines += ["", "filter W", *blocks(self.weight.reshape(-1, *self.weight.shape[2:]))]
        lines += ["", *self.forward_sums(), "", "output y", *blocks(self.y)]
        lines += ["", "gradient of the loss from above, dL/dy", *blocks(self.dy), "", *self.gradient_sums()]
        if self.dw is not None:
            lines += ["", "dL/dW", *blocks(self.dw.reshape(-1, *self.dw.shape[2:]))]
        return "\n".join([*lines, "", f"dL/dx{self._overlap()}", *blocks(self.dx)])

    def _overlap(self) -> str:
        (high, wide), (down, across) = pair(self.layer.kernel), step(self.layer)
        return ", where windows overlap their gradients add up" if high > down or wide > across else ""

    def latex(self) -> str:
        """For a worksheet: matrices and sums (package amsmath)."""
        named = [("x", self.x), ("W", None if self.weight is None else self.weight.reshape(-1, *self.weight.shape[2:])),
                 ("y", self.y), (r"\partial L/\partial y", self.dy),
                 (r"\partial L/\partial W", None if self.dw is None else self.dw.reshape(-1, *self.dw.shape[2:])),
                 (r"\partial L/\partial x", self.dx)]  # fmt: skip
        lines = [rf"\paragraph{{{tex(self.title)}}}"]
        for name, array in named:
            if array is not None:
                lines.append(rf"\[ {name} = {' , '.join(map(matrix, array))} \]")
            if name in ("y", r"\partial L/\partial W" if self.dw is not None else r"\partial L/\partial y"):
                sums = self.forward_sums() if name == "y" else self.gradient_sums()
                lines += [r"\begin{itemize}", *(rf"\item {tex(line)}" for line in sums), r"\end{itemize}"]
        return "\n".join(lines)


def worked(shape: Shape, layer: Layer, title: str, seed: int = 0) -> Worked:
    """Work out a convolution or a pooling on an input (C, H, W) of small whole numbers, drawn by `seed`.

    Raises UsageError for a layer of another kind or an input too large to be worked out by hand, ShapeError where the
    layer does not fit.
    """
    if len(shape) != 3 or isinstance(layer, Linear) or not hasattr(layer, "kernel"):
        raise UsageError(f"`work_out` works out conv, pool and meanpool; '{title}' is another layer")
    settings: Any = layer
    out = layer.output_shape(shape)
    if getattr(layer, "groups", 1) > 1:
        raise UsageError('`work_out` works out convolutions without groups; leave "groups" out')
    if np.prod(shape) > MOST or np.prod(out) > MOST:
        raise UsageError(
            f"`work_out` works out inputs and outputs of up to {MOST} values, such as 5x5x1; give a smaller input"
        )
    rows, columns = settings.spans(*shape[1:])
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 5, (1, *shape)).astype(float)
    dy = generator.integers(-2, 3, (1, *out)).astype(float)
    how = {"padding": settings.padding, "rounding": settings.rounding}
    if isinstance(layer, Conv):
        weight = generator.integers(-1, 2, (layer.channels, shape[0] // layer.groups, *pair(layer.kernel))).astype(
            float
        )
        how |= {"stride": layer.stride, "groups": layer.groups}
        y, (dx, dw, _) = conv2d(x, weight, **how), conv2d_backward(x, weight, dy, **how)
        return Worked(title, layer, rows, columns, x[0], weight, y[0], dy[0], dx[0], dw)
    forward, backward = (
        (max_pool2d, max_pool2d_backward) if isinstance(layer, MaxPool) else (mean_pool2d, mean_pool2d_backward)
    )
    kernel, stride = settings.kernel, step(layer)
    y, dx = forward(x, kernel, stride, **how), backward(x, dy, kernel, stride, **how)
    return Worked(title, layer, rows, columns, x[0], None, y[0], dy[0], dx[0], None)


def blocks(array: np.ndarray) -> list[str]:
    """Return maps [n, h, w] as lines, side by side."""
    texts = [[[number(value) for value in row] for row in one] for one in array]
    width = max(len(cell) for one in texts for row in one for cell in row)
    return [
        "  " + "    ".join(" ".join(cell.rjust(width) for cell in one[r]) for one in texts)
        for r in range(len(texts[0]))
    ]


def matrix(array: np.ndarray) -> str:
    """Return one map as a LaTeX matrix."""
    rows = r" \\ ".join(" & ".join(map(number, row)) for row in array)
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"


def number(value: float) -> str:
    """Return a number without a needless point; minus infinity is the padding of a maximum."""
    return "-inf" if value == -np.inf else f"{value:.4g}".replace("-0", "0") if value == 0 else f"{value:.4g}"


def signed(value: float) -> str:
    """Return a number for a product: negative ones in brackets."""
    return f"({number(value)})" if value < 0 else number(value)

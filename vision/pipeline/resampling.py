"""Images read at places between their pixels, compiled by numba: what every geometric distortion comes down to."""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit


def bilinear(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The images [n, h, w, c] at places y and x, float32 [n, h', w'] in pixels, black outside: float32 [n, h', w', c].

    `images` is uint8 or float32. The centre of the pixel at row 0, column 0 is the place (0, 0). Compiled once on a
    machine, at the first call; it frees the interpreter's lock meanwhile, so that a net computes beside it.
    """
    out = np.empty((*y.shape, images.shape[3]), np.float32)
    _bilinear(np.ascontiguousarray(images), np.ascontiguousarray(y), np.ascontiguousarray(x), out)
    return out


@njit(cache=True, nogil=True)
def _bilinear(images, y, x, out):  # pragma: no cover  compiled
    n, h, w, channels = images.shape
    for i in range(n):
        for r in range(y.shape[1]):
            for s in range(y.shape[2]):
                down, right = y[i, r, s], x[i, r, s]
                if not (-1 < down < h and -1 < right < w):
                    out[i, r, s] = 0
                    continue
                top, left = int(np.floor(down)), int(np.floor(right))
                down -= np.float32(top)
                right -= np.float32(left)
                for c in range(channels):
                    a = b = d = e = np.float32(0)  # the four pixels around: upper left and right, lower left and right
                    if top >= 0:
                        if left >= 0:
                            a = np.float32(images[i, top, left, c])
                        if left + 1 < w:
                            b = np.float32(images[i, top, left + 1, c])
                    if top + 1 < h:
                        if left >= 0:
                            d = np.float32(images[i, top + 1, left, c])
                        if left + 1 < w:
                            e = np.float32(images[i, top + 1, left + 1, c])
                    upper = a + right * (b - a)
                    lower = d + right * (e - d)
                    out[i, r, s, c] = upper + down * (lower - upper)

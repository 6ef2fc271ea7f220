"""Image files made in memory, for the tests."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def encoded(picture: np.ndarray | Image.Image, kind: str = "PNG", **options) -> bytes:
    """The bytes of a file of that kind."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Random bytes as pixels: no flip or transposition leaves them as they are."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file written by hand; `rows` are the scan lines, each after its filter byte."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *(chunk(*extra) for extra in chunks), chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def oriented(orientation: int) -> Image.Exif:
    """EXIF data with that orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif

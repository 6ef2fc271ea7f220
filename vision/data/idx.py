"""Images kept as bare numbers: the IDX files of MNIST and the binary batches of CIFAR-10."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from casecnn.errors import InputError, UsageError
from casecnn.files import read_error

MAX_BYTES = 4 << 30
_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_NAME = re.compile(r"(?P<part>.*?)[-_.]?(?P<what>images|labels)[-_.]idx(?P<axes>[13])[-_.]ubyte(\.gz)?", re.IGNORECASE)
_CIFAR_RECORD = 1 + 3 * 32 * 32


class Arrays(NamedTuple):
    """Images in memory: uint8 [n, height, width] (grey) or [n, height, width, 3], and labels int64 [n]."""

    pictures: np.ndarray
    labels: np.ndarray


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, gzipped or not, in the machine's byte order.

    The format: two zero bytes, a type, the number of axes, each axis as 4 bytes (big-endian), then the numbers.
    Raises InputError for a file that is missing, not IDX, or of another length than its header says.
    """
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"'{path}' is truncated or damaged: {error}") from error
    except OSError as error:
        raise read_error(path, error) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES or not content[3]:
        raise InputError(f"'{path}' is not an IDX file: it must begin with two zero bytes, a type and a number of axes")
    kind, axes = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], ">u4")) if len(content) >= start else ()
    wanted = kind.itemsize
    for extent in shape:
        wanted *= extent
    if len(shape) != axes or len(content) - start != wanted:
        raise InputError(
            f"'{path}' is truncated or damaged: its header says {wanted:,} bytes of {' x '.join(map(str, shape))} "
            f"numbers, it has {max(len(content) - start, 0):,}"
        )
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def idx_splits(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The pairs of IDX files (images, labels) in a folder, by split: `train`, `test`, or the files' own prefix."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: (path.suffix == ".gz", path.name)):
        if match := _NAME.fullmatch(path.name):
            part = {"t10k": "test", "": "all"}.get(match["part"].lower(), match["part"])
            found.setdefault(part, {}).setdefault(match["what"].lower(), path)
    return {part: (files["images"], files["labels"]) for part, files in found.items() if len(files) == 2}


def read_pair(pictures: Path, labels: Path) -> Arrays:
    """A file of grey images and the file of their labels. Raises InputError where they do not fit together."""
    images, numbers = read_idx(pictures), read_idx(labels)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise InputError(f"'{pictures}' must hold images: bytes with the axes image, row, column")
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise InputError(f"'{labels}' must hold labels: whole numbers with one axis")
    if len(images) != len(numbers):
        raise InputError(f"'{pictures}' has {len(images):,} images, '{labels}' has {len(numbers):,} labels")
    if len(numbers) and numbers.min() < 0:
        raise InputError(f"'{labels}' must hold labels of at least 0, it has {numbers.min()}")
    return Arrays(images, numbers.astype(np.int64))


def labels_beside(pictures: Path) -> Path:
    """The file of labels that belongs to one of images by its name. Raises UsageError where there is none."""
    match = _NAME.fullmatch(pictures.name)
    if match and match["what"].lower() == "images":
        for path in sorted(pictures.parent.iterdir()):
            other = _NAME.fullmatch(path.name)
            if other and other["what"].lower() == "labels" and other["part"] == match["part"]:
                return path
    raise UsageError(
        f"'{pictures}' needs its labels beside it, named as MNIST's: train-images-idx3-ubyte, train-labels-idx1-ubyte"
    )


def parse_cifar(content: bytes, name: str) -> Arrays:
    """Images of a binary batch of CIFAR-10: records of a label byte and 32x32 pixels, red, green, then blue."""
    if not content or len(content) % _CIFAR_RECORD:
        raise InputError(f"'{name}' is truncated or damaged: it must be a multiple of {_CIFAR_RECORD} bytes")
    records = np.frombuffer(content, np.uint8).reshape(-1, _CIFAR_RECORD)
    pictures = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Arrays(np.ascontiguousarray(pictures), records[:, 0].astype(np.int64))

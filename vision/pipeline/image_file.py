"""One image file to RGB pixels: the right ones, or an error of one line that says why not.

What a viewer shows is what comes out. Where Pillow alone would give other pixels (a 16-bit file turned white, a photo
on its side, alpha dropped), this module steps in; where no right answer exists, it refuses.
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from casecnn.errors import InputError
from casecnn.files import reason

MAX_PIXELS = 89_478_485
"""More pixels are taken for a decompression bomb: 256 MiB of RGB, the number at which Pillow starts to warn."""

WHITE = (255, 255, 255)

# Formats of images that decode without running another program (EPS would start Ghostscript) and that bear a mark by
# which they are told from other data (TGA has none).
FORMATS = (
    "JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "ICO", "ICNS", "PCX", "SGI",
    "PSD", "QOI", "DDS",
)  # fmt: skip

_ORIENTATION = 0x0112  # EXIF and TIFF tag
_WHITE_IS_ZERO, _PHOTOMETRIC, _BITS = 0, 262, 258  # TIFF tags and their values


class ImageError(InputError):
    """A file that is no image, or one that cannot be shown right. `reason` is a few words to count it under."""

    def __init__(self, name: str, reason: str, why: str) -> None:
        super().__init__(f"'{name}' {why}")
        self.name, self.reason, self.why = name, reason, why

    def __reduce__(self) -> tuple[Any, ...]:
        return ImageError, (self.name, self.reason, self.why)


PictureError = ImageError
"""The name that it had before 0.2."""


def read_image(
    source: str | os.PathLike[str] | bytes | IO[bytes],
    *,
    background: tuple[int, int, int] = WHITE,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
) -> np.ndarray:
    """The pixels of an image: uint8 [height, width, 3], RGB, in the orientation in which it is meant to be seen.

    `source` is a path, the bytes of a file, or a stream; `name` is what errors call it. The format is told by the
    content, never by the file's name. EXIF orientation is applied, 9- to 16-bit samples are scaled by their range,
    floating-point samples are taken as 0 to 1 (0 to 255 where one is larger), alpha and transparent colours are laid
    over `background`, CMYK is turned to RGB without a profile, of an animation or several pages the first is taken.

    Raises `ImageError`, an InputError of one line: no image, truncated, damaged, more than `max_pixels`, samples
    whose range is unknown, a file that cannot be opened. Doesn't apply ICC profiles: the data that nets were trained
    on was read without them.
    """
    return np.asarray(read_pillow(source, background=background, max_pixels=max_pixels, name=name))


def read_pillow(
    source: str | os.PathLike[str] | bytes | IO[bytes],
    *,
    background: tuple[int, int, int] = WHITE,
    max_pixels: int = MAX_PIXELS,
    name: str | None = None,
    shorter: int | None = None,
) -> Image.Image:
    """Read as `read_image` does, but into a Pillow image of mode RGB, which spares a copy where it is to be resized.

    With `shorter`, a JPEG may come smaller than it is, by a half, a quarter or an eighth, with at least so many pixels
    on its shorter side: libjpeg then decodes only what is needed, which takes a fraction of the time.
    """
    with contextlib.ExitStack() as stack:
        stream: IO[bytes]
        if isinstance(source, bytes):
            shown, stream = name or "<data>", BytesIO(source)
        elif isinstance(source, (str, os.PathLike)):
            shown = name or os.fspath(source)
            stream = stack.enter_context(_opened(Path(source), shown))
        else:
            shown, stream = name or str(getattr(source, "name", "<stream>")), source
        try:
            with _quiet():
                return _decoded(stream, shown, background, max_pixels, shorter)
        except ImageError:
            raise
        except MemoryError as error:
            raise ImageError(shown, "too large", "needs more memory than there is") from error
        except Exception as error:  # damaged files make Pillow raise nearly anything
            raise _explained(error, shown, stream) from error


def _opened(path: Path, name: str) -> IO[bytes]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise ImageError(name, "not a file", f"cannot be read: it is {kind}")
        return path.open("rb")
    except OSError as error:
        raise ImageError(name, "unreadable", f"cannot be read: {reason(error)}") from error
    except ValueError as error:  # a zero byte in the name
        raise ImageError(name, "unreadable", f"cannot be read: {error}") from error


@cache
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow can decode."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _decoded(
    stream: IO[bytes], name: str, background: tuple[int, int, int], max_pixels: int, shorter: int | None
) -> Image.Image:
    with Image.open(stream, formats=_formats()) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ImageError(
                name, "too large", f"is too large: {width:,} x {height:,} pixels are more than {max_pixels:,}"
            )
        if shorter is not None and image.format in ("JPEG", "MPO") and min(width, height) >= 2 * shorter:
            zoom = shorter / min(width, height)
            image.draft(None, (math.ceil(width * zoom), math.ceil(height * zoom)))
        raw = image.tile[0][3] if image.tile else None  # how samples are stored; gone after loading
        photometric = _tag(image, _PHOTOMETRIC)
        image.load()
        if 0 in image.size:
            raise ImageError(name, "damaged", "has no pixels")
        rgb = _rgb(image, name, raw[0] if isinstance(raw, tuple) else raw, photometric, background)
        return _upright(rgb, _orientation(image))


def _rgb(image: Image.Image, name: str, raw: Any, photometric: Any, background: tuple[int, int, int]) -> Image.Image:
    """The image as RGB, its alpha laid over the background."""
    if image.mode.startswith("I") or image.mode == "F":
        grey, alpha = _eight_bits(image, name, photometric)
        rgba = np.stack([grey, grey, grey, alpha], -1)
    elif image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
        assert converted is not None
        return converted
    elif not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    else:
        clear = image.info.get("transparency")
        if image.mode == "L" and isinstance(clear, int) and raw in ("L;2", "L;4"):  # given in the file's own depth
            image.info["transparency"] = clear * {"L;2": 85, "L;4": 17}[raw]
        elif image.mode == "RGB" and isinstance(clear, tuple) and isinstance(raw, str) and ";16" in raw:
            image.info["transparency"] = tuple(value >> 8 for value in clear)
        rgba = np.asarray(image.convert("RGBA"))
    weight = rgba[..., 3:].astype(np.uint32)
    over = rgba[..., :3] * weight + np.array(background, np.uint32) * (255 - weight)
    return Image.fromarray(((over + 127) // 255).astype(np.uint8))


def _eight_bits(image: Image.Image, name: str, photometric: Any) -> tuple[np.ndarray, np.ndarray]:
    """Grey samples of more than 8 bits as uint8 [height, width], and their alpha."""
    samples = np.asarray(image)
    if samples.dtype.kind == "f":
        if not np.isfinite(samples).all() or samples.min() < 0 or samples.max() > 255:
            raise ImageError(name, "unknown range", "has floating-point samples outside 0 to 1; scale them first")
        grey = np.rint(samples * (1 if samples.max() > 1 else 255)).astype(np.uint8)
        return grey, np.full_like(grey, 255)
    bits = _tag(image, _BITS)
    top = 4095 if bits == (12,) else 65535
    values = samples.astype(np.int64)
    if values.min() < 0 or values.max() > top:
        raise ImageError(
            name, "unknown range", f"has samples from {values.min()} to {values.max()}, more than 16 bits; scale them"
        )
    clear = image.info.get("transparency")
    alpha = np.where(values == clear, 0, 255) if isinstance(clear, int) else np.full(values.shape, 255)
    if photometric == _WHITE_IS_ZERO:
        values = top - values
    return ((values * 255 + top // 2) // top).astype(np.uint8), alpha.astype(np.uint8)


def _tag(image: Image.Image, number: int) -> Any:
    """A tag of a TIFF file; None for other formats."""
    tags = getattr(image, "tag_v2", None)
    return tags.get(number) if tags is not None else None


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it makes no sense. Pillow turns TIFF files itself."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data: the pixels are good all the same
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = Image.Transpose
    how = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    return image.transpose(how[orientation]) if orientation in how else image


def _explained(error: Exception, name: str, stream: IO[bytes]) -> ImageError:
    """The reason in words for what Pillow raised."""
    if isinstance(error, OSError) and error.errno is not None:
        return ImageError(name, "unreadable", f"cannot be read: {reason(error)}")
    if isinstance(error, Image.DecompressionBombError):
        return ImageError(name, "too large", f"is too large: more than {MAX_PIXELS:,} pixels")
    if isinstance(error, UnidentifiedImageError):
        with contextlib.suppress(OSError, ValueError):
            stream.seek(0)
            what = _what(stream.read(512))
            return ImageError(name, "not an image", f"is not an image of a kind that can be read{what}")
        return ImageError(name, "not an image", "is not an image of a kind that can be read")
    text = " ".join(str(error).split())
    if any(word in text.lower() for word in ("truncated", "end of file", "eof", "not enough")):
        return ImageError(name, "truncated", "is truncated: a part of the image is missing")
    return ImageError(name, "damaged", f"is damaged: {text[:120] or type(error).__name__}")


def _what(start: bytes) -> str:
    """What the first bytes of a file that is no image seem to be, to end the sentence with."""
    if not start:
        return ": it is empty"
    marks = {b"%PDF": "a PDF", b"%!PS": "PostScript", b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "gzip"}
    for mark, kind in marks.items():
        if start.startswith(mark):
            return f": it is {kind}"
    if start[4:8] == b"ftyp":
        return ": it is HEIC or a video; convert it to JPEG or PNG"
    lowered = start.lstrip().lower()
    if lowered.startswith((b"<svg", b"<?xml")):
        return ": it is XML, perhaps SVG"
    if lowered.startswith((b"<!doctype html", b"<html")):
        return ": it is a web page, perhaps saved in the image's place"
    if lowered.startswith(b"version https://git-lfs"):
        return ": it is a pointer of Git LFS; fetch the file with `git lfs pull`"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        return ": it is text"
    if not any(start):
        return ": it begins with zeros"
    return ""


_lock = threading.Lock()
_readers = 0
_filters: warnings.catch_warnings | None = None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Pillow's warnings (odd EXIF data, large images) from being printed: the result is what counts.

    The filters are the whole process's, and images are read in several threads at once, so the first reader sets
    them and the last one puts them back.
    """
    global _readers, _filters
    with _lock:
        if _readers == 0:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0 and _filters is not None:
                _filters.__exit__(None, None, None)

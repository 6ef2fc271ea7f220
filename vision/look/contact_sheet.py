"""Contact sheets: small images in groups with captions, on white, as one would put them on a slide."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from casecnn.errors import UsageError
from casecnn.files import atomic_write

INK, FAINT, PAPER = (25, 25, 30), (110, 110, 120), (255, 255, 255)
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".pdf": "PDF"}


@dataclass(frozen=True)
class Group:
    """Tiles, uint8 [height, width, 3] each, laid out in `columns`, under a caption."""

    caption: str
    tiles: Sequence[np.ndarray]
    columns: int


@dataclass(frozen=True)
class Drawn:
    """A sheet, and what is on it as plain values."""

    sheet: Image.Image
    facts: Mapping[str, Any]


def signed(pixels: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Numbers around 0, float [1 or 3, height, width], as an image: uint8 [height, width, 3].

    0 is mid-grey; `largest`, by default the largest size of a number, is white and black.
    """
    scale = float(np.abs(pixels).max()) if largest is None else largest
    shown = np.clip(127.5 + 127.5 * pixels / (scale or 1.0), 0, 255).round().astype(np.uint8)
    return np.repeat(shown.transpose(1, 2, 0), 3 // shown.shape[0], 2)


def coloured(pixels: np.ndarray) -> np.ndarray:
    """An image [height, width, 1 or 3] with three channels."""
    return np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels


def overlaid(pixels: np.ndarray, heat: np.ndarray, strength: float = 0.6) -> np.ndarray:
    """A heat map [height, width], 0 to 1, laid over an image uint8 [height, width, 3]: cold parts keep their grey."""
    from matplotlib import colormaps

    grey = pixels.astype(np.float64) @ (0.299, 0.587, 0.114)
    colours = colormaps["inferno"](0.15 + 0.85 * heat)[..., :3] * 255
    share = strength * heat[..., None] ** 0.7
    return np.clip((1 - share) * grey[..., None] + share * colours, 0, 255).round().astype(np.uint8)


def enlarged(tile: np.ndarray, side: int) -> Image.Image:
    """Scale a tile so that its longer side is about `side` pixels.

    Small ones grow by whole factors with hard edges; large ones are smoothed down.
    """
    height, width = tile.shape[:2]
    image = Image.fromarray(np.ascontiguousarray(tile))
    longest = max(height, width)
    if longest <= side:
        factor = max(1, side // longest)
        return image.resize((width * factor, height * factor), Image.Resampling.NEAREST)
    return image.resize((max(1, width * side // longest), max(1, height * side // longest)), Image.Resampling.LANCZOS)


def contact_sheet(
    title: str, groups: Sequence[Group], *, columns: int | None = None, side: int = 96, note: str = ""
) -> Image.Image:
    """Groups in rows of `columns` (by default about as wide as high), under a title and above a note.

    `side` is about the longer side of a tile in pixels. Raises UsageError where there is nothing to show.
    """
    if not groups or not all(group.tiles for group in groups):
        raise UsageError("there is nothing to show: no images were chosen")
    pad, gap, margin = min(max(2, side // 32), 8), min(max(18, side // 4), 36), min(max(28, side // 3), 48)
    title_font, caption_font, note_font = (ImageFont.load_default(size) for size in (26, 17, 15))
    blocks = [_block(group, side, pad) for group in groups]
    wide, high = max(block.width for block in blocks), max(block.height for block in blocks)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    captions = [_wrapped(measure, group.caption, caption_font, wide) for group in groups]
    lines = max(len(caption) for caption in captions)
    line = 22 if any(group.caption for group in groups) else 0
    across = columns or max(1, min(len(blocks), round((len(blocks) * (high + lines * line) * 1.6 / wide) ** 0.5)))
    down = -(-len(blocks) // across)
    head = 26 + 18 if title else 0
    notes = note.splitlines()
    content = across * (wide + gap) - gap
    text = max([measure.textlength(title, title_font)] + [measure.textlength(row, note_font) for row in notes])
    width = int(max(content, text)) + 2 * margin
    cell = high + lines * line + gap
    height = 2 * margin + head + down * cell - gap + (20 * len(notes) + 14 if notes else 0)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin - 4), title, INK, title_font)
    for number, (block, caption) in enumerate(zip(blocks, captions, strict=True)):
        row, column = divmod(number, across)
        x, y = margin + column * (wide + gap), margin + head + row * cell
        for place, words in enumerate(caption):
            draw.text((x, y + place * line), words, INK, caption_font)
        sheet.paste(block, (x, y + lines * line))
    for place, words in enumerate(notes):
        draw.text((margin, height - margin - 20 * (len(notes) - place) + 4), words, FAINT, note_font)
    return sheet


def _block(group: Group, side: int, pad: int) -> Image.Image:
    tiles = [enlarged(tile, side) for tile in group.tiles]
    wide, high = max(tile.width for tile in tiles), max(tile.height for tile in tiles)
    columns = min(group.columns, len(tiles))
    rows = -(-len(tiles) // columns)
    block = Image.new("RGB", (columns * (wide + pad) - pad, rows * (high + pad) - pad), PAPER)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        block.paste(tile, (column * (wide + pad), row * (high + pad)))
    return block


def _wrapped(draw: ImageDraw.ImageDraw, text: str, font: object, width: int) -> list[str]:
    """A caption in lines that fit the width, words kept whole where they fit."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and draw.textlength(joined, font) <= width:  # type: ignore[arg-type]
            lines[-1] = joined
        else:
            lines.append(word)
    shown = []
    for line in lines:
        while len(line) > 1 and draw.textlength(line, font) > width:  # type: ignore[arg-type]
            line = line[:-2] + "…"
        shown.append(line)
    return shown


def save_picture(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Write an image, whole or not at all; the ending says the format: .png, .jpg, .webp or .pdf.

    Raises UsageError for another ending, InputError where it cannot be written.
    """
    check_ending(path)
    with atomic_write(path) as stream:
        image.save(stream, FORMATS[Path(path).suffix.lower()], dpi=(150, 150))


def check_ending(path: str | os.PathLike[str]) -> None:
    """Raise UsageError unless an image can be written under this name."""
    if Path(path).suffix.lower() not in FORMATS:
        raise UsageError(f"`output` (={os.fspath(path)}) must end in {', '.join(FORMATS)}")

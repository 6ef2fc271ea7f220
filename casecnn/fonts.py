"""Fonts for pictures with names in any script: what matplotlib's own font lacks is taken from this machine's fonts.

matplotlib keeps a list of fonts, which does not know those installed since; they are looked for where a letter has no
font. Only called by code that draws: nothing here is loaded before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

from casecnn.console import warn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

USUAL = "DejaVu Sans"
"""The font that matplotlib carries."""

LIKELY = ("Noto Sans CJK", "Source Han Sans", "WenQuanYi", "Microsoft YaHei", "PingFang", "Malgun Gothic")
"""How the names of fonts begin that are tried first after the usual one."""

REMEDY = "a font such as Noto Sans CJK (Debian: fonts-noto-cjk) helps"


def font_for(text: str) -> str | None:
    """The name of the first font that has all letters of a text; None if none of this machine has."""
    found = _known_font_for(text)
    return _known_font_for(text) if found is None and _new_fonts() else found


def families(texts: Iterable[str]) -> list[str]:
    """The usual font, then those that the texts need: what matplotlib takes as `font.family`."""
    return list(dict.fromkeys([USUAL, *filter(None, map(font_for, texts))]))


def fit_fonts(figure: Figure) -> None:
    """Give every text of a figure the fonts that it needs; warn, in one line, of texts that no font can write."""
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and not text.get_text().isascii()]
    lacking: dict[str, None] = {}
    for text in texts:
        content = "".join(text.get_text().split())
        if font_for(content) is None:
            lacking[text.get_text()] = None
        text.set_fontfamily(families([content]))
    if lacking:
        some = ", ".join(list(lacking)[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        warn(f"no font of this machine writes {some}: the picture has boxes instead; {REMEDY}")


@contextmanager
def quietly() -> Iterator[None]:
    """Keep matplotlib from saying that a font lacks bold letters or some letters: the plain ones or boxes are drawn."""
    import warnings

    logger = logging.getLogger("matplotlib.font_manager")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
            yield
    finally:
        logger.setLevel(before)


def _known_font_for(text: str) -> str | None:
    from matplotlib.font_manager import fontManager

    letters = {ord(letter) for letter in text}
    fonts = {font.name: font.fname for font in fontManager.ttflist if "Last Resort" not in font.name}  # boxes for all
    likely = sorted(name for name in fonts if name.startswith(LIKELY))
    order = dict.fromkeys([USUAL, *likely, *fonts])
    return next((name for name in order if name in fonts and letters <= _letters_of(fonts[name])), None)


@cache
def _new_fonts() -> int:
    """Make the fonts known that were installed since matplotlib wrote its list; return their number."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {font.fname for font in fontManager.ttflist}
    number = 0
    for file in findSystemFonts():
        if file not in known:
            with suppress(OSError, RuntimeError, ValueError):  # no font after all
                fontManager.addfont(file)
                number += 1
    return number


@cache
def _letters_of(file: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(file).get_charmap())

"""The files that a command writes beside its answer: refused before any work where they cannot be written."""

from __future__ import annotations

import os

from casecnn.errors import UsageError
from casecnn.files import check_writable


def check_outputs(source: str, image: str | None = None, sgf: str | None = None, html: str | None = None) -> None:
    """Refuse an image, an SGF file or a page that cannot be written, before any work is done.

    Raises UsageError for an image of an unknown format and for a file on top of the ``source`` or of another, and
    InputError where a file cannot be written.
    """
    if image is not None:
        from casecnn.go.picture.draw import picture_format

        picture_format(image)
    taken: dict[str, str] = {}
    for name, output in (("image", image), ("sgf", sgf), ("html", html)):
        if output is None:
            continue
        place = os.path.realpath(output)
        if source != "-" and place == os.path.realpath(source):
            raise UsageError(f"`{name}` (={output}) must be another file than the game, which is never overwritten")
        if place in taken:
            raise UsageError(f"`{name}` (={output}) must be another file than `{taken[place]}`")
        taken[place] = name
    for output in (image, sgf, html):
        if output is not None:
            check_writable(output)

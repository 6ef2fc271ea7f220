"""The files that a command writes beside its answer: refused before any work where they cannot be written."""

from __future__ import annotations

import os

from casecnn.errors import UsageError
from casecnn.files import check_writable


def check_outputs(source: str, image: str | None = None, sgf: str | None = None) -> None:
    """Refuse an image or an SGF file that cannot be written, before any work is done.

    Raises UsageError for an image of an unknown format and for a file on top of the ``source`` or of the other, and
    InputError where a file cannot be written.
    """
    if image is not None:
        from casecnn.go.picture.draw import picture_format

        picture_format(image)
    for name, output in (("image", image), ("sgf", sgf)):
        if output is not None and source != "-" and os.path.realpath(output) == os.path.realpath(source):
            raise UsageError(f"`{name}` (={output}) must be another file than the game, which is never overwritten")
    if image is not None and sgf is not None and os.path.realpath(image) == os.path.realpath(sgf):
        raise UsageError(f"`sgf` (={sgf}) must be another file than `image`")
    for output in (image, sgf):
        if output is not None:
            check_writable(output)

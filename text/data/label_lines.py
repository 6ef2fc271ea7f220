"""Lines of a label and a text, as the paper's data sets have them, and fastText's lines with `__label__`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from casecnn.errors import InputError
from casecnn.text.data.columns import Table
from casecnn.text.data.text_file import TextFile

_LABEL = "__label__"
_BLANKS = re.compile(r"[ \t]+")


def label_lines(file: TextFile, kind: str) -> Table:
    """Return the table in a file of kind "lines" or "fasttext"; a label of fastText's is a list of labels.

    Lines end at line feeds alone: the paper's files have other characters that break lines (NEL) inside sentences.
    """
    split = _fasttext if kind == "fasttext" else _label_first

    def cells(places: Sequence[int]) -> Iterator[list[Any]]:
        with file.lines("\n") as lines:
            for number, line in enumerate(lines, 1):
                line = line.removesuffix("\n").rstrip("\r")
                if line.strip():
                    both = split(line)
                    if both is None:
                        raise InputError(f"'{file.name}', line {number} must be a label, a blank and a text")
                    yield [both[place] for place in places]

    return Table(file.name, ["text", "label"], cells)


def _label_first(line: str) -> tuple[str, Any] | None:
    label, blank, text = line.partition("\t") if "\t" in line.split(" ", 1)[0] else line.partition(" ")
    return (text.strip(), label) if blank or label else None


def _fasttext(line: str) -> tuple[str, Any]:
    words = _BLANKS.split(line.strip(" \t"))
    labels = [word.removeprefix(_LABEL) for word in words if word.startswith(_LABEL)]
    text = " ".join(word for word in words if not word.startswith(_LABEL))
    return text, labels[0] if len(labels) == 1 else labels

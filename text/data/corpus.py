"""The texts of a corpus, one after the other, without holding them all: lines of files, or a column of tables."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from casecnn.compressed import open_packed
from casecnn.text.data.examples import read_examples
from casecnn.text.data.lines import MARKS
from casecnn.weights.safetensors_file import check_regular


def corpus_texts(files: Sequence[str | Path], text_column: str | None = None, *, header: bool = True) -> Iterator[str]:
    """The texts of all files: every line that is not empty, or with `text_column` that column of each table.

    Files may be packed by gzip, bzip2 or xz. Lines are read as their byte order mark says, else as UTF-8; bytes that do
    not fit become U+FFFD. Every file is looked at before the first text comes. Raises InputError, one line, for what
    cannot be read or unpacked.
    """
    for file in files:
        check_regular(Path(file))
    return _texts(files, text_column, header)


def _texts(files: Sequence[str | Path], text_column: str | None, header: bool) -> Iterator[str]:
    for file in files:
        if text_column is not None:
            yield from read_examples(file, text_column, header=header, labelled=False).texts
            continue
        with open_packed(file) as stream:
            start = stream.peek(4)[:4]  # type: ignore[attr-defined]
            encoding = next((name for mark, name in MARKS if start.startswith(mark)), "utf-8")
            lines = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="\n")
            for line in lines:
                if line.strip():
                    yield line

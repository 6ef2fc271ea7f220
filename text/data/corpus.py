"""The texts of a corpus, one after the other, without holding them all: lines of files, or a column of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from casecnn.compressed import open_compressed
from casecnn.files import check_regular
from casecnn.text.data.examples import read_examples
from casecnn.text.data.lines import line_batches


def corpus_texts(files: Sequence[str | Path], text_column: str | None = None, *, header: bool = True) -> Iterator[str]:
    """Yield the texts of all files: every line that is not empty, or with ``text_column`` that column of each table.

    Files may be compressed by gzip, bzip2 or xz. Each has an encoding of its own: that of its byte order mark, else
    UTF-8, and a line that does not fit it is taken for Windows-1252. A table may be a folder, too (`read_examples`).
    Every file is looked at before the first text comes. Raises InputError, one line, for what cannot be read or
    decompressed.
    """
    for file in files:
        if text_column is None or not Path(file).is_dir():
            check_regular(Path(file))
    return _texts(files, text_column, header)


def _texts(files: Sequence[str | Path], text_column: str | None, header: bool) -> Iterator[str]:
    for file in files:
        if text_column is not None:
            yield from read_examples(file, text_column, header=header, labelled=False).texts
            continue
        with open_compressed(file) as stream:
            for lines in line_batches(stream, str(file)):
                yield from (line for line in lines if line.strip())

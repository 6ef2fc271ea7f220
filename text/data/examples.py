"""Texts and labels from the files that people have: CSV, TSV, JSON, Parquet, lines, folders of texts."""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casecnn.checks import one_of
from casecnn.compressed import binary_kind, open_compressed
from casecnn.console import warn
from casecnn.errors import InputError, UsageError
from casecnn.text.data.arrow_files import KINDS, arrow_table, split_files
from casecnn.text.data.class_folders import class_folders
from casecnn.text.data.columns import Chosen, Table, choose_columns
from casecnn.text.data.delimited import delimited
from casecnn.text.data.json_rows import json_rows
from casecnn.text.data.label_lines import label_lines
from casecnn.text.data.text_file import TextFile, stem_suffix

FORMATS = ("csv", "tsv", "jsonl", "lines", "fasttext")
_ENDINGS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".all": "lines", ".train": "lines", ".dev": "lines", ".test": "lines",
}  # fmt: skip
_FASTTEXT = re.compile(r"(?:^|\s)__label__\S")
_YES, _NO = ("1", "1.0", "true", "yes", "y", "x"), ("0", "0.0", "false", "no", "n", "")


@dataclass(frozen=True)
class Examples:
    """Texts of a file with their labels: a string each, or with several labels a tuple of strings; None: no labels."""

    texts: list[str]
    labels: list[Any] | None
    source: str

    def __len__(self) -> int:
        return len(self.texts)

    def for_labels(self, multi_label: bool) -> Examples:
        """The same texts with a label each, or with ``multi_label`` with several: of one label a tuple of it.

        Raises InputError for several labels of a text where there must be one.
        """
        several = any(isinstance(label, tuple) for label in self.labels or [])
        if several and not multi_label:
            raise InputError(f"'{self.source}' has texts with several labels, or none; give `multi_label`, or one each")
        if multi_label and not several and self.labels is not None:
            return Examples(self.texts, [(label,) for label in self.labels], self.source)
        return self


def read_examples(
    path: str | os.PathLike[str],
    text_column: str | None = None,
    label_column: str | None = None,
    *,
    file_format: str | None = None,
    header: bool = True,
    encoding: str | None = None,
    separator: str | None = None,
    labelled: bool = True,
    label_columns: Sequence[str] | None = None,
) -> Examples:
    """Read texts and labels from a file ("-": standard input), or from a folder.

    ``file_format`` is "csv", "tsv", "jsonl" (JSON: an object a line, an array of objects, or an object of columns),
    "lines" (a label, a blank or tab, the text) or "fasttext" (`__label__` words, then the text). None goes by the
    file's ending, and by the content where that says nothing. Parquet and Arrow files are known by their first bytes.
    A folder holds Parquet files, or a folder for each label with a text in each file.

    Columns are names (in JSON `outer.inner` for a key of an inner object), or numbers from 1. None looks for the usual
    ones ("text", "sentence", ...; "label", "class", ...). Without ``header`` a table's first line is data, and columns
    are numbers. ``separator`` makes several labels of a cell: "a|b" by "|" (a list in JSON needs none, and fastText's
    texts may have several). ``label_columns`` names a column of 0 and 1 for each label instead. With ``labelled`` False
    labels are not read.

    Of a table only the columns that are asked for stay in memory. Raises InputError, one line, for a file that cannot
    be read, without rows, without the column, with a row that has no label, or whose text is no text; UsageError for
    options that do not exist or exclude each other. Warns of labels that differ by case or blanks alone.
    """
    if separator == "":
        raise UsageError("`separator` (='') must be one or more characters, such as '|'")
    if separator is not None and label_columns is not None:
        raise UsageError("`separator` and `label_columns` cannot be given together; choose one of them")
    if file_format is not None:
        one_of("file_format", file_format, FORMATS)
    table, columns_known = _table(os.fspath(path), file_format, header, encoding, labelled)
    if columns_known and (text_column, label_column, label_columns) != (None, None, None):
        raise InputError(f"'{table.source}' has no columns: each line is a label and a text; leave the columns out")
    chosen = choose_columns(table, text_column, label_column, label_columns, labelled)
    examples = _examples(table, chosen, separator)
    if not examples.texts:
        raise InputError(f"'{table.source}' has no rows; it must have texts with their labels")
    _warn_of_case(examples)
    return examples


def _table(
    name: str, file_format: str | None, header: bool, encoding: str | None, labelled: bool
) -> tuple[Table, bool]:
    """Return the table in a file or folder, and whether its columns are known, so that none may be named."""
    if name != "-" and Path(name).is_dir():
        files = split_files(Path(name))
        return (arrow_table(files, name), False) if files else (class_folders(Path(name), encoding, labelled), False)
    if name != "-":
        with open_compressed(name) as stream:
            if binary_kind(stream.read(512)) in KINDS:
                return arrow_table([Path(name)], name), False
    file = TextFile(name, encoding)
    kind = file_format or _kind(file)
    if kind in ("lines", "fasttext"):
        return label_lines(file, kind), True
    return (json_rows(file) if kind == "jsonl" else delimited(file, kind, header)), False


def _kind(file: TextFile) -> str:
    suffix = stem_suffix(file.name)
    if suffix in _ENDINGS:
        return _ENDINGS[suffix]
    with file.lines("\n") as lines:
        first = next((line for line in lines if line.strip()), "").lstrip()
    if _FASTTEXT.search(first):
        return "fasttext"
    if first.startswith(("{", "[{")) or first.strip() == "[":
        return "jsonl"
    return "tsv" if "\t" in first else "csv" if "," in first or ";" in first else "lines"


def _examples(table: Table, chosen: Chosen, separator: str | None) -> Examples:
    texts: list[str] = []
    labels: list[Any] = []
    shared: dict[Any, Any] = {}  # equal labels are one object
    for number, cells in enumerate(table.cells([chosen.text, *chosen.labels]), table.first):
        where = f"'{table.source}', row {number}"
        texts.append(_text(cells[0], where, table.names[chosen.text]))
        if chosen.one_each:
            pairs = zip(chosen.labels, cells[1:], strict=True)
            label: Any = tuple(table.names[p] for p, cell in pairs if _holds(cell, where, table.names[p]))
        elif chosen.labels:
            label = _label(cells[1], separator, where)
        else:
            continue
        labels.append(shared.setdefault(label, label))
    if any(isinstance(label, tuple) for label in shared):
        labels = [label if isinstance(label, tuple) else (label,) for label in labels]
    return Examples(texts, labels if chosen.labels else None, table.source)


def _text(cell: Any, where: str, column: str) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        raise InputError(f"{where} has no text")
    if isinstance(cell, dict):
        inner = next((key for key, value in cell.items() if isinstance(value, str)), "KEY")
        keys = ", ".join(map(repr, cell))
        raise InputError(f"{where}: '{column}' is an object with {keys}; give {column}.{inner} as `text_column`")
    if isinstance(cell, (list, bytes)):
        what = "a list" if isinstance(cell, list) else "bytes"
        raise InputError(f"{where}: '{column}' is {what}, not a text; give another `text_column`")
    return str(cell)


def _holds(cell: Any, where: str, column: str) -> bool:
    """Say whether a text has the label of a column of its own."""
    shown = "" if cell is None else str(cell).strip().lower()
    if shown not in _YES and shown not in _NO:
        raise InputError(f"{where}: column '{column}' holds {shown[:40]!r}; a column for each label must hold 0 or 1")
    return shown in _YES


def _label(label: Any, separator: str | None, where: str) -> Any:
    if isinstance(label, (list, tuple)):
        names = [_name(part, where) for part in label]
        return tuple(part for part in names if part)
    if label is None or label != label or not str(label).strip():  # JSON may hold NaN
        if separator is not None and label is not None:
            return ()
        raise InputError(f"{where} has no label; give it one, or leave the row out")
    named = _name(label, where)
    if separator is None:
        return named
    return tuple(part.strip() for part in named.split(separator) if part.strip())


def _name(label: Any, where: str) -> str:
    if label is None or label != label or isinstance(label, (dict, list)):
        raise InputError(f"{where}: {json.dumps(label)[:40]} is no label; a label is a string or a number")
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label).strip()


def _warn_of_case(examples: Examples) -> None:
    """Warn of labels that differ by case or blanks alone: nearly always they are meant to be one."""
    entries = examples.labels or []
    names = [name for entry in entries for name in (entry if isinstance(entry, tuple) else (entry,))]
    counts = Counter(names)
    alike: dict[str, list[str]] = {}
    for name in counts:
        plain = unicodedata.normalize("NFKC", name).casefold()
        alike.setdefault(" ".join(re.split(r"[\s_-]+", plain)), []).append(name)
    for group in alike.values():
        if len(group) > 1:
            shown = " and ".join(f"'{name}' ({counts[name]} texts)" for name in sorted(group))
            case = len({name.casefold() for name in group}) == 1
            by = "case alone" if case else "case, blanks or spelling of characters alone"
            warn(f"'{examples.source}': the labels {shown} differ by {by} and count as different labels")

"""Parquet and Arrow files, one or a folder of them as Hugging Face has data sets, read by pyarrow batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from casecnn.console import warn
from casecnn.errors import InputError, UsageError
from casecnn.text.data.columns import Table

KINDS = ("a Parquet file", "an Arrow file", "an Arrow stream")
SUFFIXES = (".parquet", ".arrow", ".feather")
_ROWS = 8192  # in memory at once


def arrow_table(files: Sequence[Path], source: str) -> Table:
    """Return the table that files hold together; whole numbers that stand for class names become the names.

    Columns inside a struct are `review.body`. Raises UsageError where pyarrow is not installed, InputError for files
    that are damaged or differ in their columns.
    """
    try:
        arrow: Any = import_module("pyarrow")
    except ImportError as error:
        raise UsageError(
            f"'{source}': Parquet and Arrow files need the package pyarrow; pip install 'casecnn[parquet]'"
        ) from error
    first, *others = [_schema(arrow, file) for file in files]
    for file, schema in zip(files[1:], others, strict=True):
        if schema.names != first.names:
            raise InputError(f"'{file}' has other columns than '{files[0].name}': {', '.join(schema.names)}")
    names = _flat(arrow, first).names
    classes = _class_names(first)

    def cells(places: Sequence[int]) -> Iterator[list[Any]]:
        for file in files:
            for batch in _batches(arrow, file):
                table = _flatten(arrow.Table.from_batches([batch]))
                columns = [table.column(place).to_pylist() for place in places]
                for place, column in enumerate(columns):
                    if known := classes.get(names[places[place]]):
                        columns[place] = [_class(value, known) for value in column]
                yield from map(list, zip(*columns, strict=True))

    return Table(source, list(names), cells)


def split_files(folder: Path) -> list[Path]:
    """Return the Parquet or Arrow files of a folder, of several splits those of `train`; none: an empty list.

    Hugging Face names them by split: `data/train-00000-of-00002.parquet`. A warning names the splits left out. Raises
    InputError where there are several splits and none is `train`.
    """
    files = sorted(path for suffix in SUFFIXES for path in folder.rglob(f"*{suffix}") if path.is_file())
    splits: dict[str, list[Path]] = {}
    for path in files:
        split = path.stem.split("-")[0]
        splits.setdefault(split if not split.isdigit() else path.parent.name, []).append(path)
    if len(splits) < 2:
        return files
    if "train" not in splits:
        raise InputError(f"'{folder}' holds the parts {', '.join(splits)}; give the files of one part")
    others = ", ".join(name for name in splits if name != "train")
    warn(f"'{folder}': only the part train is read, not {others}")
    return splits["train"]


def _open(arrow: Any, file: Path) -> Any:
    """Return what reads a file: pyarrow's ParquetFile, or a reader of record batches."""
    with open(file, "rb") as stream:
        start = stream.read(6)
    if start.startswith(b"PAR1"):
        return import_module("pyarrow.parquet").ParquetFile(file)
    ipc: Any = import_module("pyarrow.ipc")
    return (ipc.open_file if start == b"ARROW1" else ipc.open_stream)(arrow.memory_map(str(file)))


def _schema(arrow: Any, file: Path) -> Any:
    try:
        reader = _open(arrow, file)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"'{file}' is damaged: it cannot be read as Parquet or Arrow ({_line(error)})") from error
    return reader.schema_arrow if hasattr(reader, "schema_arrow") else reader.schema


def _batches(arrow: Any, file: Path) -> Iterator[Any]:
    try:
        reader = _open(arrow, file)
        if hasattr(reader, "iter_batches"):
            yield from reader.iter_batches(_ROWS)
        elif hasattr(reader, "num_record_batches"):
            yield from map(reader.get_batch, range(reader.num_record_batches))
        else:
            yield from reader
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"'{file}' is damaged: it cannot be read as Parquet or Arrow ({_line(error)})") from error


def _flat(arrow: Any, schema: Any) -> Any:
    return _flatten(schema.empty_table()).schema


def _flatten(table: Any) -> Any:
    while any(str(column.type).startswith("struct") for column in table.schema):
        table = table.flatten()
    return table


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Return the names of the classes that Hugging Face keeps in a file's metadata, by column."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        found = {}
        for column, feature in features.items():
            inner = feature[0] if isinstance(feature, list) else feature.get("feature", feature)
            if isinstance(inner, dict) and isinstance(inner.get("names"), list):
                found[column] = inner["names"]
        return found
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return {}


def _class(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_class(part, names) for part in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def _line(error: Exception) -> str:
    return str(error).split("\n")[0]

"""What is known about trained weights: a typed record for every file, kept as JSON beside it, and a registry of them.

A folder of weights is its own registry: `policy-k48.tygem9d-v1.safetensors` lies beside `policy-k48.tygem9d-v1.json`.
Names are pinned, NET.DATA-vN: weights that change get a new number, so a name means the same bytes for ever.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casecnn.choose import closest, either
from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write, read_error

NAME = re.compile(r"[a-z0-9][a-z0-9-]*\.[a-z0-9][a-z0-9-]*-v[1-9][0-9]*")


@dataclass(frozen=True)
class Figure:
    """One measured number: its value, the data it was measured on and the command that prints it."""

    value: float
    data: str
    command: str


@dataclass(frozen=True, kw_only=True)
class WeightsRecord:
    """Where weights come from, what they are for and how good they are; raises InputError for a field that is wrong.

    Doesn't look at the file: `casecnn.weights.state_dict.resolve` checks size and hash, a test recounts parameters and
    MACs.
    """

    name: str  # pinned: NET.DATA-vN
    net: str  # the declaration's name, such as "policy_net"
    arguments: Mapping[str, Any]  # what the declaration was called with
    sha256: str  # of the file, 64 lower-case hexadecimal digits
    size: int  # of the file, bytes
    parameters: int  # numbers in the net, counted from its declaration
    macs: int  # multiply-accumulates for one input, counted from its declaration
    preprocessing: str  # how a raw input becomes the net's input
    labels: tuple[str, ...] | str  # names of the outputs, or the rule that gives them
    figures: Mapping[str, Figure]  # metric -> measured value
    data: str  # what it was trained on
    command: str  # that made it
    commit: str  # of the code that made it
    licence: str
    file: str = ""  # the file's name, in the folder of the record
    url: str = ""  # or the address to download it from

    def __post_init__(self) -> None:
        def rule(field: str, holds: bool, text: str) -> None:
            if not holds:
                raise InputError(f"record '{self.name}': {field} (={getattr(self, field)!r}) must be {text}")

        rule("name", NAME.fullmatch(self.name) is not None, "NET.DATA-vN in lower case, such as 'lenet.mnist-v1'")
        rule("sha256", re.fullmatch("[0-9a-f]{64}", self.sha256) is not None, "64 lower-case hexadecimal digits")
        rule("size", self.size > 0, "at least 1 byte")
        rule("parameters", self.parameters > 0, "at least 1")
        rule("macs", self.macs > 0, "at least 1")
        for metric, figure in self.figures.items():
            if not math.isfinite(figure.value):
                raise InputError(f"record '{self.name}': figure '{metric}' (={figure.value}) must be a finite number")
        rule("file", bool(self.file) != bool(self.url), "given, or url, not both")
        rule("file", Path(self.file).name == self.file, "a name without a folder")
        rule("url", not self.url or self.url.startswith(("https://", "http://")), "an http(s) address")

    def to_json(self) -> str:
        """The record as JSON text, keys in the order of the fields; `from_json` reads it back equal."""
        fields = {key: value for key, value in dataclasses.asdict(self).items() if value or key not in ("file", "url")}
        return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, source: str) -> WeightsRecord:
        """Reads a record; `source` names it in errors. InputError for a key that is missing, unknown or wrong."""
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise InputError(f"'{source}' is not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise InputError(f"'{source}' is not a weights record: it must be one JSON object")
        known = {field.name: field for field in dataclasses.fields(cls)}
        for key in fields:
            if key not in known:
                raise InputError(f"'{source}': there is no field '{key}' in a weights record")
        for key, field in known.items():
            if key not in fields and field.default is dataclasses.MISSING:
                raise InputError(f"'{source}': field '{key}' is missing")
        try:
            fields["figures"] = {metric: Figure(**row) for metric, row in fields["figures"].items()}
        except (TypeError, AttributeError) as error:
            raise InputError(f"'{source}': each of the figures must hold value, data and command") from error
        if isinstance(fields["labels"], list):
            fields["labels"] = tuple(fields["labels"])
        for key, value in fields.items():
            kind = _KINDS.get(key, str)
            if not isinstance(value, kind) or isinstance(value, bool):
                words = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
                raise InputError(f"'{source}': field '{key}' (={value!r}) must be of type {words}")
        for metric, figure in fields["figures"].items():
            if not isinstance(figure.value, (int, float)) or not isinstance(figure.data + figure.command, str):
                raise InputError(f"'{source}': figure '{metric}' must hold a number, and the data and command as text")
        return cls(**fields)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "size": int,
    "parameters": int,
    "macs": int,
    "arguments": dict,
    "figures": dict,
    "labels": (str, tuple),
}


def find(registry: Mapping[str, WeightsRecord], name: str) -> WeightsRecord:
    """The record of that name; UsageError with the nearest names where there is none."""
    if name in registry:
        return registry[name]
    nets = {full.partition(".")[0]: full for full in reversed(list(registry))}
    if close := closest(name, registry) or [nets[net] for net in closest(name, nets)]:
        remedy = f"did you mean {either(close)}?"
    elif registry:
        remedy = f"choose from {', '.join(registry)}, or give a file"
    else:
        remedy = "none are packaged here; give a file"
    raise UsageError(f"there are no weights '{name}'; {remedy}")


def read(path: Path) -> WeightsRecord:
    """Reads one record from its JSON file; its name must be the file's."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise read_error(path, error) from error
    record = WeightsRecord.from_json(text, str(path))
    if record.name != path.stem:
        raise InputError(f"'{path}' holds the record '{record.name}'; the file must be named '{record.name}.json'")
    return record


def read_folder(folder: Path) -> dict[str, WeightsRecord]:
    """All records of a folder (`*.json`), by name in alphabetic order; empty where the folder does not exist."""
    return {record.name: record for record in (read(path) for path in sorted(folder.glob("*.json")))}


def write(folder: Path, record: WeightsRecord) -> Path:
    """Writes the record as NAME.json into the folder and returns the path; replaces an older one of the same name."""
    path = folder / f"{record.name}.json"
    with atomic_write(path, "w") as stream:
        stream.write(record.to_json())
    return path

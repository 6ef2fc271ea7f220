"""Weights: from a name or a file to tensors, with the hash checked on the way, and back into a file.

Tensors live in safetensors files, which hold numbers and a header and can run nothing. A torch `.pt` or `.pth` file is
read with `weights_only=True`, and what that refuses by an unpickler that looks up nothing but tensors: no file runs
anything. torch is imported when tensors are read or written.
"""

from __future__ import annotations

import errno
import importlib.resources
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from casecnn.errors import InputError
from casecnn.files import cache_folder, check_regular, read_error, sha256
from casecnn.weights import record as records
from casecnn.weights.record import Figure, WeightsRecord
from casecnn.weights.safetensors_file import read, write

if TYPE_CHECKING:
    import torch

__all__ = [
    "Figure", "Loaded", "Resolved", "WeightsRecord", "cache_folder", "fill", "load", "packaged", "record_file",
    "resolve", "save",
]  # fmt: skip


TORCH_ENDINGS = (".pt", ".pth", ".th", ".tar", ".ckpt", ".bin", ".pkl")
"""How files end that torch.save wrote, in any case of letters; `.tar` is that of `.pth.tar`."""


class Resolved(NamedTuple):
    """Where weights lie on this machine, and their record if they have one."""

    path: Path
    record: WeightsRecord | None


class Loaded(NamedTuple):
    """What a file of weights holds: tensors by name and the metadata they were saved with ({} if none).

    `entry` is where in a checkpoint they lie, "" in one that holds nothing else; `others` are entries that would fit
    the same net.
    """

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, Any]
    entry: str = ""
    others: tuple[str, ...] = ()


def packaged(package: str) -> Path:
    """The folder of weights that ships with a package: `packaged("casecnn.go")` is go/weights."""
    return Path(str(importlib.resources.files(package))) / "weights"


def resolve(which: str | os.PathLike[str], folder: Path) -> Resolved:
    """From a name among the folder's records, or the path of a file, to a file that is there and is the right one.

    A name is looked up first; its file lies in the folder, or is downloaded into `cache_folder()`. A path is taken as
    it is; where a record lies beside it (NAME.json), that holds. Size and SHA-256 are compared with the record, always.

    Raises UsageError for a name that does not exist, with the nearest ones; InputError for a file that is missing,
    damaged, or cannot be downloaded. Doesn't read the tensors.
    """
    name = os.fspath(which)
    registry = records.read_folder(folder)
    if name in registry:
        record = registry[name]
        if record.url:
            from casecnn.weights.download import download

            path = cache_folder() / f"{record.name}{Path(record.url).suffix}"
            return Resolved(download(record.url, path, record.sha256, size=record.size), record)
        return Resolved(_checked(folder / record.file, record), record)
    path = Path(which)
    if path.is_dir():
        raise InputError(f"cannot read '{name}': it is a folder, not a file")
    if path.exists():
        beside = path.with_suffix(".json")
        record_beside = records.read(beside) if _is_record(beside, path) else None
        return Resolved(_checked(path, record_beside), record_beside)
    if path.name.lower().endswith((".safetensors", *TORCH_ENDINGS)) or path.name != name:
        raise read_error(path, FileNotFoundError(errno.ENOENT, ""))
    records.find(registry, name)
    raise AssertionError("a name that is not in the registry was found")  # pragma: no cover


def _checked(path: Path, record: WeightsRecord | None) -> Path:
    check_regular(path)
    if record is not None:
        size = path.stat().st_size
        if size != record.size:
            raise InputError(f"'{path}' is damaged: it is {size:,} bytes, its record says {record.size:,}")
        found = sha256(path)
        if found != record.sha256:
            raise InputError(f"'{path}' is damaged: its SHA-256 is {found}, its record says {record.sha256}")
    return path


def _is_record(beside: Path, path: Path) -> bool:
    """Whether the JSON file of the same name is a record of this file, and not something else's settings."""
    try:
        fields = json.loads(beside.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(fields, dict) and fields.get("file") == path.name and "sha256" in fields


def load(path: str | os.PathLike[str], *, float32: bool = False, entry: str = "") -> Loaded:
    """Reads the tensors of a file onto the CPU: `.safetensors`, or what torch.save wrote (see `TORCH_ENDINGS`).

    With `float32`, half-precision tensors (float16, bfloat16) come as float32, as nets on a CPU want them; others stay
    as they are stored. `casecnn.weights.torch_file.read_torch_file` says how a state dict is found in a checkpoint, and
    what an `entry` is; a safetensors file without our metadata is looked through likewise.

    Raises InputError, one line, for anything else: another ending, a file without tensors, a file that
    is truncated, empty, text or a folder. Doesn't check a hash (`resolve` does), nor that the tensors fit (`fill`).
    """
    file = Path(path)
    _checked(file, None)
    if file.name.lower().endswith(".safetensors"):
        loaded = Loaded(*read(file, "pt"))
        if entry or (loaded.tensors and not loaded.metadata):
            from casecnn.weights.torch_file import choose_entry

            found = choose_entry(file, {"": loaded.tensors}, entry)
            loaded = Loaded(found.tensors, loaded.metadata, found.entry, found.others)
    elif file.name.lower().endswith(TORCH_ENDINGS):
        from casecnn.weights.torch_file import read_torch_file

        found = read_torch_file(file, entry)
        loaded = Loaded(found.tensors, {}, found.entry, found.others)
    else:
        raise InputError(
            f"'{file}' must end in .safetensors, .pt or .pth to be read as weights (.ckpt, .bin, .th and .pth.tar are "
            "read as .pth)"
        )
    if float32:
        import torch

        for name, tensor in loaded.tensors.items():
            if tensor.dtype in (torch.float16, torch.bfloat16):
                loaded.tensors[name] = tensor.float()
    return loaded


def save(
    path: str | os.PathLike[str],
    tensors: Mapping[str, torch.Tensor],
    metadata: Mapping[str, Any] | None = None,
    *,
    half: bool = False,
) -> None:
    """Writes tensors and metadata (anything JSON can hold) as a safetensors file, whole or not at all.

    With `half`, float32 tensors are stored as float16, half the size; a value beyond float16's 65,504 raises
    InputError. The same tensors and metadata give the same bytes. Raises InputError where the file cannot be written.
    """
    import torch
    from safetensors.torch import save as to_bytes

    stored = {}
    for name, tensor in tensors.items():
        kept = tensor.detach().to("cpu")
        if half and kept.dtype == torch.float32:
            kept = kept.to(torch.float16)
            if not torch.equal(torch.isfinite(kept), torch.isfinite(tensor.detach().cpu())):
                raise InputError(f"cannot write '{os.fspath(path)}': '{name}' has values too large for float16")
        stored[name] = kept.contiguous().clone()  # its own memory: safetensors refuses tensors that share it
    write(path, metadata or {}, lambda header: to_bytes(stored, header))


def fill(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], source: str | os.PathLike[str]) -> None:
    """Copies tensors into a module, every one of its state dict and no other.

    Raises InputError that names the first tensor that is missing, left over or of another shape, and `source`, the
    file or name they came from; the module is then as it was.
    """
    own = module.state_dict()
    where = f"'{os.fspath(source)}' does not fit the net"
    for name, tensor in own.items():
        if name not in tensors:
            raise InputError(f"{where}: it has no tensor '{name}' {tuple(tensor.shape)}")
        if tensors[name].shape != tensor.shape:
            found, wanted = tuple(tensors[name].shape), tuple(tensor.shape)
            raise InputError(f"{where}: tensor '{name}' has the shape {found}, it must be {wanted}")
    for name in tensors:
        if name not in own:
            raise InputError(f"{where}: it has a tensor '{name}' that the net does not")
    module.load_state_dict(dict(tensors))


def check_finite(tensors: Mapping[str, torch.Tensor], source: str | os.PathLike[str]) -> None:
    """Raise InputError that names the first tensor with NaN or infinite numbers in it."""
    import torch

    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(
                f"'{os.fspath(source)}': tensor '{name}' holds NaN or infinite numbers: its training diverged"
            )


def record_file(path: str | os.PathLike[str], **fields: Any) -> WeightsRecord:
    """The record of a file of weights, size and SHA-256 taken from it; writes it as NAME.json beside the file.

    `fields` are the others of `WeightsRecord`; `name` defaults to the file's name without its ending.
    Raises InputError for a file that cannot be read or a field that is wrong.
    """
    file = _checked(Path(path), None)
    facts = {"name": file.stem, "file": file.name, "size": file.stat().st_size, "sha256": sha256(file)}
    record = WeightsRecord(**{**facts, **fields})
    records.write(file.parent, record)
    return record

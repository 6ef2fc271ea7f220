"""Tensors from the files that people save with torch, without running anything in them.

A pickle may hold any object. Here every class and function in it but those that make tensors stands for itself only: an
inert object that takes what it is given and does nothing. So a checkpoint with settings, optimisers or a whole module
beside its weights can be read as well as a bare state dict.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from casecnn.errors import InputError
from casecnn.files import read_error
from casecnn.weights.safetensors_file import looks_like

WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params",
    "net_state_dict", "state_dict_ema", "model_ema",
)  # fmt: skip
"""Keys under which checkpoints keep the weights, the likeliest first."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")
"""What DataParallel, torch.compile and Lightning put before every name."""

_DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip


class Inert:
    """Stands for an object whose class is not looked up: it keeps the state that the file gives and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        """Take an item and forget it."""

    def extend(self, _: Any) -> None:
        """Take items and forget them."""

    def __call__(self, *_: Any, **__: Any) -> Inert:
        return Inert()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


class _Reader(pickle.Unpickler):
    """Reads the pickle inside a torch archive: tensors and plain values; everything else is inert."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        super().__init__(archive.open(name))
        self._archive, self._folder = archive, name.removesuffix("data.pkl")
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return _tensor if name == "_rebuild_tensor_v2" else _parameter
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        return type(name, (Inert,), {})

    def persistent_load(self, pid: Any) -> Tensor:
        _, dtype, key, *_ = pid
        if not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"storage {key} has a type that is not known")
        if key not in self._storages:
            content = bytearray(self._archive.read(f"{self._folder}data/{key}"))
            self._storages[key] = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
        return self._storages[key]


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> Any:
    if not isinstance(storage, Tensor):
        return Inert()
    reach = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True)) + 1
    if 0 not in size and not 0 < reach <= len(storage):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    return storage.as_strided(tuple(size), tuple(stride), offset)


def _parameter(value: Any, *_: Any) -> Any:
    return value


def read_torch_file(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a file that torch.save wrote, by name: a state dict, alone or inside a checkpoint.

    Of a checkpoint the entry is taken that usually holds the weights (see `WRAPPERS`), of a whole module its parameters
    and buffers; prefixes that stand before every name (see `PREFIXES`) are taken off. Nothing in the file is run.
    Raises InputError, one line, for what holds no tensors by name.
    """
    try:
        content = _plain_content(file)
    except OSError as error:
        raise read_error(file, error) from error
    except Exception as error:  # random bytes make unpicklers raise nearly anything
        kind = looks_like(file, pickles=True)
        problem = f"it is {kind}" if kind else "it is damaged, or a pickle that holds more than tensors"
        raise InputError(
            f"'{file}' cannot be read as weights: {problem}; save a state dict with torch.save, or use safetensors"
        ) from error
    tensors = without_prefixes(dict(_named(content)))
    if not tensors:
        what = type(content).__name__
        raise InputError(f"'{file}' must hold a state dict, tensors by name; it holds {what} without any")
    return tensors


def _plain_content(file: Path) -> Any:
    """Return what the file holds: by torch itself where it holds plain values only, else with all others inert."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols: what counts is whether tensors come out
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception:
        if not zipfile.is_zipfile(file):
            raise
        with zipfile.ZipFile(file) as archive:
            name = next(name for name in archive.namelist() if name.rsplit("/", 1)[-1] == "data.pkl")
            return _Reader(archive, name).load()


def _named(content: Any, depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a state dict, wherever in the content it lies."""
    if isinstance(content, Inert):
        yield from _of_module(content)
    if not isinstance(content, Mapping):
        return
    if depth < 3:
        for key in WRAPPERS:
            if isinstance(content.get(key), (Mapping, Inert)) and (found := dict(_named(content[key], depth + 1))):
                yield from found.items()
                return
    yield from ((name, value) for name, value in content.items() if isinstance(name, str) and _is_tensor(value))


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _of_module(module: Inert, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Tensor]]:
    """Yield the parameters and buffers of a module that was saved whole."""
    state = getattr(module, "state", None)
    if not isinstance(state, Mapping) or depth > 50:
        return
    for group in ("_parameters", "_buffers"):
        for name, value in dict(state.get(group) or {}).items():
            if _is_tensor(value):
                yield f"{prefix}{name}", value
    for name, child in dict(state.get("_modules") or {}).items():
        if isinstance(child, Inert):
            yield from _of_module(child, f"{prefix}{name}.", depth + 1)


def without_prefixes(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off what stands before (nearly) every name; names without it are then not of the net and are left out."""
    while True:
        counts = {prefix: sum(name.startswith(prefix) for name in tensors) for prefix in PREFIXES}
        prefix = max(counts, key=counts.__getitem__)
        if 2 * counts[prefix] <= len(tensors):
            return dict(tensors)
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

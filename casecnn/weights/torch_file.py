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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

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
    _check_reach(len(storage), offset, size, stride)
    return storage.as_strided(tuple(size), tuple(stride), offset)


def _check_reach(length: int, offset: int, size: Any, stride: Any) -> None:
    reach = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True)) + 1
    if 0 not in size and not 0 < reach <= length:
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")


def _parameter(value: Any, *_: Any) -> Any:
    return value


class Checkpoint(NamedTuple):
    """The tensors of one set of weights in a file, by name, `entry`, where in the file it lies, and the other sets."""

    tensors: dict[str, Tensor]
    entry: str
    others: tuple[str, ...] = ()


def read_torch_file(file: Path, entry: str = "") -> Checkpoint:
    """Return the tensors of a file that torch.save wrote: a state dict, alone or inside a checkpoint.

    Of a checkpoint the entry is taken that usually holds the weights (see `WRAPPERS`), of a whole module its parameters
    and buffers; prefixes that stand before every name (see `PREFIXES`) are taken off. `entry` takes another one:
    `model_ema`, or `state_dict.ema_model` for the names in state_dict that begin with `ema_model.`. `others` are the
    entries that hold as much as the one that was taken. Nothing in the file is run.
    Raises InputError, one line, for what holds no tensors by name, or several sets of which none is the usual one.
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
    return choose_entry(file, dict(_sets(content)), entry, type(content).__name__)


def choose_entry(
    file: Path, sets: Mapping[str, Mapping[str, Tensor]], entry: str = "", what: str = "dict"
) -> Checkpoint:
    """Choose one of a file's sets of weights, as `read_torch_file` says; a set is named by its place in the file."""
    sets = {place: part for whole, tensors in sets.items() for place, part in _copies(whole, tensors).items()}
    if not sets:
        raise InputError(f"'{file}' must hold a state dict, tensors by name; it holds {what} without any")
    if entry:
        inside = sets.get(entry) or _below(sets, entry)
        if not inside:
            raise InputError(f"'{file}' has no entry '{entry}' with tensors; it has {_listed(sets)}")
        return Checkpoint(without_prefixes(inside), entry)
    usual = [place for place in sets if place and all(part in WRAPPERS for part in place.split("."))]
    most = max(len(tensors) for tensors in sets.values())
    largest = [place for place, tensors in sets.items() if len(tensors) == most]
    if not usual and len(largest) > 1:
        raise InputError(
            f"'{file}' holds several sets of weights: {_listed(largest)}; say which one: '{file}#{largest[0]}'"
        )
    taken = min(usual, key=lambda place: [WRAPPERS.index(part) for part in place.split(".")]) if usual else largest[0]
    tensors = without_prefixes(sets[taken])
    shapes = _shapes(tensors)
    others = [place for place in sets if place != taken and _shapes(without_prefixes(sets[place])) == shapes]
    return Checkpoint(tensors, taken, tuple(others))


def _listed(places: Iterable[str]) -> str:
    return ", ".join(f"'{place}'" if place else "names without an entry" for place in list(places)[:6])


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in tensors.items() if not name.endswith("num_batches_tracked")}


def _copies(place: str, tensors: Mapping[str, Tensor]) -> dict[str, Mapping[str, Tensor]]:
    """Part a set in which the same names stand behind two prefixes, such as `model.` and `ema_model.`."""
    groups: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        first, _, rest = name.partition(".")
        groups.setdefault(first, {})[rest] = value
    for first in (prefix.removesuffix(".") for prefix in PREFIXES):
        names = set(groups.get(first, ()))
        twins = [other for other, rest in groups.items() if other != first and len(names) > 1 and names == set(rest)]
        if twins:
            start = f"{place}." if place else ""
            return {start + group: groups[group] for group in (first, *twins)}
    return {place: tensors}


def _below(sets: Mapping[str, Mapping[str, Tensor]], entry: str) -> dict[str, Tensor]:
    """The tensors whose place and name together begin with `entry`."""
    every = {
        f"{place}.{name}" if place else name: value for place, part in sets.items() for name, value in part.items()
    }
    return {name.removeprefix(f"{entry}."): value for name, value in every.items() if name.startswith(f"{entry}.")}


class _Legacy:
    """Stands for the module pickle where torch reads its format of before 1.6: all but tensors is inert."""

    load = staticmethod(lambda stream, **_: _LegacyReader(stream).load())


class _LegacyReader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return _tensor_of_storage if name == "_rebuild_tensor_v2" else _parameter
        return type(name, (Inert,), {})


_Legacy.Unpickler = _LegacyReader  # type: ignore[attr-defined]


def _tensor_of_storage(storage: Any, offset: int, size: Any, stride: Any, *rest: Any) -> Any:
    if not isinstance(storage, torch.storage.TypedStorage):
        return Inert()
    _check_reach(len(storage), offset, size, stride)
    return torch._utils._rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict())


def _plain_content(file: Path) -> Any:
    """Return what the file holds: by torch itself where it holds plain values only, else with all others inert."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pickle protocols and storages: what counts is whether tensors come out
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except OSError:
            raise
        except Exception:
            if not zipfile.is_zipfile(file):
                # torch's own reader, with an unpickler that looks up nothing but tensors
                return torch.load(file, map_location="cpu", weights_only=False, pickle_module=_Legacy)
    with zipfile.ZipFile(file) as archive:
        name = next(name for name in archive.namelist() if name.rsplit("/", 1)[-1] == "data.pkl")
        return _Reader(archive, name).load()


def _sets(content: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield every mapping from names to tensors in the content, with the keys that lead to it."""
    if isinstance(content, Inert):
        if own := dict(_of_module(content)):
            yield ".".join(place), own
        return
    if not isinstance(content, Mapping):
        return
    if own := {name: value for name, value in content.items() if isinstance(name, str) and _is_tensor(value)}:
        yield ".".join(place), own
    if len(place) < 3:
        for key, value in content.items():
            if isinstance(key, str) and isinstance(value, (Mapping, Inert)):
                yield from _sets(value, (*place, key))


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

"""Word vectors as gensim saves them, read without trusting the file.

`KeyedVectors.save` writes a pickle, and a pickle can run any program when it is opened. This reader lets a pickle make
plain values, NumPy arrays and empty stand-ins for gensim's classes, and nothing else. Large arrays lie in files of
their own beside the pickle (NAME.vectors.npy); they are mapped into memory, not read.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from casecnn.errors import InputError

_PLAIN = {
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("builtins", "set"), ("builtins", "frozenset"),
    ("builtins", "int"), ("builtins", "float"), ("builtins", "object"), ("builtins", "slice"), ("builtins", "range"),
    ("builtins", "bytearray"), ("builtins", "complex"), ("_codecs", "encode"), ("copyreg", "_reconstructor"),
}  # fmt: skip
_NUMPY = {"_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer"}


class Saved:
    """Stands in for an object of a gensim class: it has the attributes that were saved, and does nothing."""

    def __init__(self, *arguments: Any, **named: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        top = module.split(".")[0]
        if top == "gensim" or module.startswith("numpy.random") or (module, name) == ("builtins", "hash"):
            return Saved  # parts of a model that are not its vectors
        if (module, name) in _PLAIN or (top == "numpy" and name in _NUMPY):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def is_pickle(path: Path) -> bool:
    """Whether a file begins as the pickles of protocol 2 and later do."""
    with open(path, "rb") as stream:
        start = stream.read(2)
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def read_gensim(path: Path) -> tuple[list[str], np.ndarray]:
    """The words and vectors [words, numbers] of a saved `KeyedVectors`, or of a model that holds one as `wv`.

    Raises InputError, one line, for a pickle of anything else, for one that is damaged, or whose arrays are not beside
    it.
    """
    try:
        with open(path, "rb") as stream:
            saved = _Reader(stream, encoding="latin1").load()
    except (OSError, MemoryError):
        raise
    except Exception as error:  # bytes that make no sense raise nearly anything
        raise InputError(
            f"'{path}' is not a file of gensim's word vectors: {error or type(error).__name__}; "
            "save vectors by KeyedVectors.save or in word2vec's format"
        ) from error
    name = path
    if isinstance(saved, Saved) and not hasattr(saved, "index_to_key") and "wv" in _parts(saved):
        saved, name = _parts(saved)["wv"], path.with_name(path.name + ".wv")
    words = getattr(saved, "index_to_key", None)
    if not isinstance(saved, Saved) or not isinstance(words, list) or not all(isinstance(w, str) for w in words):
        raise InputError(f"'{path}' is a pickle, but not of gensim's KeyedVectors (of gensim 4 or later)")
    matrix = saved.__dict__.get("vectors")
    if matrix is None and "vectors" in saved.__dict__.get("__numpys", ()):
        beside = name.with_name(name.name + ".vectors.npy")
        try:
            matrix = np.load(beside, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"'{path}' needs the file '{beside.name}' beside it, which cannot be read") from error
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind != "f" or len(matrix) < len(words):
        raise InputError(f"'{path}' has no vectors for its {len(words)} words")
    return words, matrix[: len(words)]


def _parts(saved: Saved) -> dict[str, Any]:
    return saved.__dict__

"""Arrays and facts in a safetensors file, without torch.

This is what `casecnn.weights.state_dict` reads and writes, for NumPy alone. Importing torch takes longer than
classifying a thousand sentences, or than finding a move. The header is the same (one JSON document under the key
"casecnn"), so `casecnn.weights.state_dict.load` reads these files too, and a record can be made of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from casecnn.errors import InputError
from casecnn.files import atomic_write, check_regular, read_error

if TYPE_CHECKING:
    import numpy as np

KEY = "casecnn"
_SCALE = ".scale"
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"


class Content(NamedTuple):
    """What a file holds: arrays by name, and facts, anything that JSON can hold."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]


def write_arrays(
    path: str | os.PathLike[str], content: Content, *, half: bool = False, eight_bits: Collection[str] = ()
) -> None:
    """Writes a safetensors file, whole or not at all; the same content gives the same bytes.

    With `half`, float32 is stored as float16. The matrices named in `eight_bits` are stored as whole numbers from -127
    to 127, with a float32 scale for each row in a tensor of their own, NAME.scale: off by at most 1/254 of the row's
    largest value. Raises InputError for a value beyond float16's 65,504 and for a file that cannot be written.
    """
    import numpy as np
    from safetensors.numpy import save

    stored: dict[str, np.ndarray] = {}
    for name, array in content.arrays.items():
        if name in eight_bits:
            scale = np.abs(array).max(axis=1, initial=0) / np.float32(127)
            scale[scale == 0] = 1
            stored[name] = np.rint(array / scale[:, None]).astype(np.int8)
            stored[name + _SCALE] = scale.astype(np.float32)
        elif half and array.dtype == np.float32:
            if np.abs(array).max(initial=0) > np.finfo(np.float16).max:
                raise InputError(f"cannot write '{os.fspath(path)}': '{name}' has values too large for float16")
            stored[name] = array.astype(np.float16)
        else:
            stored[name] = np.ascontiguousarray(array)
    write(path, content.facts, lambda header: save(stored, header))


def read_arrays(path: str | os.PathLike[str]) -> Content:
    """Reads a safetensors file; float16 and 8-bit tensors come as float32, the facts are {} where it has none.

    Raises InputError as `read` does, and for tensors that are no floating-point numbers.
    """
    import numpy as np

    file = Path(path)
    arrays, facts = read(file, "np")
    for name in [name for name in arrays if name.endswith(_SCALE)]:
        whole, scale = arrays.get(name.removesuffix(_SCALE)), arrays.pop(name)
        if whole is None or whole.ndim != 2 or scale.shape != (len(whole),) or whole.dtype != np.int8:
            raise InputError(f"'{file}': '{name}' must hold a number for each row of 8-bit numbers")
        arrays[name.removesuffix(_SCALE)] = whole * scale.astype(np.float32)[:, None]
    return Content({name: _single(array, name, file) for name, array in arrays.items()}, facts)


def _single(array: np.ndarray, name: str, file: Path) -> np.ndarray:
    import numpy as np

    if array.dtype.kind != "f":
        raise InputError(f"'{file}': tensor '{name}' must hold floating-point numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def read(path: str | os.PathLike[str], framework: Literal["np", "pt"]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads the tensors of a safetensors file, as NumPy's arrays or torch's on the CPU, and its facts ({} if none).

    Raises InputError, one line that names the file, for a file that cannot be read and for anything that is not a
    safetensors file with a JSON object in it: a pickle, text, a truncated file. Nothing in the file is ever run.
    """
    file = Path(path)
    check_regular(file)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework=framework) as stream:
            header = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}
    except OSError as error:
        raise read_error(file, error) from error
    except (SafetensorError, TypeError, AttributeError) as error:  # the last two: number formats NumPy does not have
        problem = looks_like(file) or f"truncated or damaged ({error})"
        raise InputError(f"'{file}' is not a safetensors file: it is {problem}") from error
    try:
        facts = json.loads(header.get(KEY, "{}"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{file}': its metadata is not JSON ({error})") from error
    if not isinstance(facts, dict):
        raise InputError(f"'{file}': its metadata must be one JSON object")
    return tensors, facts


def write(path: str | os.PathLike[str], facts: Mapping[str, Any], to_bytes: Callable[[dict[str, str]], bytes]) -> None:
    """Writes a safetensors file, whole or not at all; ``to_bytes`` makes it, given the header for these facts."""
    data = to_bytes({KEY: json.dumps(dict(facts))})
    with atomic_write(path) as stream:
        stream.write(data)


def looks_like(file: Path, pickles: bool = False) -> str:
    """What a file that could not be read seems to be; empty where its bytes do not tell, or tell what is expected."""
    with open(file, "rb") as stream:
        start = stream.read(512)
    if not start:
        return "empty"
    if not pickles and start.startswith((_ZIP, _PICKLE)):
        return "a pickle, a torch archive or a zip file (a state dict of torch must end in .pt or .pth)"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        return "text"
    return ""

"""Text models by name: those that ship with the package, and files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from casecnn.choose import either, unknown
from casecnn.errors import UsageError
from casecnn.files import read_error
from casecnn.text.model.model import TextModel
from casecnn.weights import record as records
from casecnn.weights.state_dict import packaged, resolve

FOLDER = packaged("casecnn.text")
DEFAULT = "sentiment"
MODELS = {
    "sentiment": "positive or negative (SST-2)",
    "question": "what a question asks for, one of six classes (TREC)",
    "sst2": "positive or negative, for comparison with other models of SST-2",
}
_PINNED = {"sst2": "sentiment.sst2-v1"}  # names that mean one version for ever


def load_model(which: str | os.PathLike[str] = DEFAULT) -> TextModel:
    """Load the text model of a name ("sentiment", "question", or a pinned "sentiment.sst2-v1"), or in a file.

    A short name means the newest version. The file is compared with the SHA-256 of its record, where there is one. A
    file that has the name of a packaged model is given with its folder: "./sentiment".

    Raises UsageError for a name that does not exist or is not packaged here, with what to do; InputError for a file
    that is missing, damaged or no text model.
    """
    name = os.fspath(which)
    if not name:
        raise UsageError(f"the model (='') must be a name ({', '.join(MODELS)}) or a file")
    if name in MODELS:
        pinned = pinned_name(name)
        if pinned is None:
            raise UsageError(
                f"the model '{name}' is not part of this installation; train one with "
                f"`casecnn text train DATA -o {name}.safetensors` and give that file"
            )
        name = pinned
    elif name not in records.read_folder(FOLDER) and not Path(name).exists():
        looks_like_a_file = Path(name).name != name or (Path(name).suffix and not records.NAME.fullmatch(name))
        if looks_like_a_file:
            raise read_error(name, FileNotFoundError(errno.ENOENT, ""))
        raise unknown("model", name, MODELS, f"choose from {either(MODELS)}, or give a file")
    if Path(name).is_dir():
        raise read_error(name, IsADirectoryError(errno.EISDIR, ""))
    return TextModel.load(resolve(name, FOLDER).path)


def pinned_name(name: str) -> str | None:
    """Return the pinned name that a name stands for; None for a file, and where no such model is packaged here."""
    if name in MODELS and name not in _PINNED:
        return newest(name, FOLDER)
    pinned = _PINNED.get(name, name)
    return pinned if pinned in records.read_folder(FOLDER) else None


def newest(name: str, folder: Path) -> str | None:
    """Return the pinned name of a packaged model's highest version, `NAME.DATA-vN`; None where there is none."""
    pinned = [record for record in records.read_folder(folder) if record.partition(".")[0] == name]
    return max(pinned, key=lambda record: int(record.rpartition("-v")[2]), default=None)

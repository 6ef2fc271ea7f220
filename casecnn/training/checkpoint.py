"""The checkpoint of a training run: one file, written whole or not at all, read without running any code in it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from casecnn.checks import one_of
from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write, read_error
from casecnn.training.recipe import Recipe

FORMAT = "casecnn-checkpoint"
VERSION = 1
_KEYS = {"step", "recipe", "processes", "model", "optimizers", "schedule", "average", "best", "elapsed", "metadata"}


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write `content` (tensors, numbers, strings, lists, dicts) to a temporary file beside `path`, then rename it.

    `content` has the keys step (int), recipe (`Recipe.to_dict`), processes (int), model (state dict), optimizers (list
    of state dicts), schedule, average (or None), best (or None: step, figure, metrics, weights), elapsed (seconds of
    training) and metadata (JSON text). Raises `InputError`, one line, when the file cannot be written; what stood at
    `path` before then still stands there.
    """
    assert set(content) - {"last_step"} == _KEYS, set(content) ^ _KEYS
    with atomic_write(path) as stream:
        try:
            torch.save({"format": FORMAT, "version": VERSION, **content}, stream)
        except RuntimeError as error:
            raise InputError(f"cannot write '{path}': {str(error).splitlines()[0]}") from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content that `save_checkpoint` wrote, tensors on the CPU.

    The whole file is checked against its CRC-32 sums first, and only tensors and plain values are unpickled
    (`weights_only=True`). Raises `InputError`, one line, for a file that is missing, truncated, damaged, of another
    kind, or of a newer version.
    """
    remedy = "use an earlier copy, or delete it to train from the start"
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise InputError(f"checkpoint '{path}' is damaged (its part {damaged} fails the checksum); {remedy}")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise read_error(path, error) from error
    except InputError:
        raise
    except Exception as error:  # zipfile, pickle and torch each raise many kinds for bytes that make no sense
        raise InputError(f"checkpoint '{path}' is truncated, damaged or of another kind; {remedy}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"'{path}' is not a training checkpoint of this package; {remedy}")
    if content.get("version") != VERSION:
        raise InputError(
            f"checkpoint '{path}' has version {content.get('version')}, this package reads version {VERSION}; "
            "use the version of the package that wrote it"
        )
    if not _KEYS <= set(content):
        raise InputError(f"checkpoint '{path}' lacks '{min(_KEYS - set(content))}'; {remedy}")
    return content


def check_same_run(path: Path, content: dict[str, Any], recipe: Recipe, processes: int) -> None:
    """Raise `InputError`, naming the first field that differs, where `content` is of another recipe.

    Processes times samples a process must be the same; how a step's batch is shared out among processes may change.
    """
    stored = Recipe.from_dict(content["recipe"]).to_dict()
    given = recipe.to_dict()
    batches = content["processes"] * stored.pop("batch_size"), processes * given.pop("batch_size")
    if batches[0] != batches[1]:
        raise InputError(
            f"checkpoint '{path}' has `batch_size` times processes {batches[0]}, this run has {batches[1]}; "
            "give the same recipe, or another output folder"
        )
    for name, value in given.items():
        if stored[name] != value:
            raise InputError(
                f"checkpoint '{path}' has `{name}` {stored[name]!r}, this run has {value!r}; "
                "give the same recipe, or another output folder"
            )


def load_weights(path: Path, which: Literal["best", "average", "last"] = "best") -> dict[str, Tensor]:
    """Return a state dict out of a checkpoint, also while its run goes on.

    "best": the weights of the best evaluation so far; "average": the exponential moving average with the buffers of
    whole numbers; "last": the plain weights. Raises `InputError` for a bad file, `UsageError` where the run keeps no
    such weights.
    """
    content = load_checkpoint(path)
    if which == "last":
        model: dict[str, Tensor] = content["model"]
        return model
    one_of("which", which, ("best", "average", "last"))
    kept = content[which]
    if kept is None:
        why = "has not been evaluated yet" if which == "best" else "keeps no average of the weights"
        raise UsageError(f"checkpoint '{path}' has no '{which}' weights: its run {why}; ask for 'last'")
    return kept["weights"] if which == "best" else {**content["model"], **kept["values"]}

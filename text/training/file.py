"""Training from a file to a file, in such a way that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from casecnn.checks import one_of
from casecnn.files import check_writable
from casecnn.text.data.data_sets import load_data_set
from casecnn.text.data.examples import Examples, read_examples
from casecnn.text.model.model import PRECISIONS
from casecnn.text.model.packaged import load_model
from casecnn.text.training.recipe import TextRecipe
from casecnn.text.training.trainer import Training, fit


def read_parts(
    data: str, validation: str | None = None, *, set_name: str | None = None, multi_label: bool = False, **reading: Any
) -> tuple[Examples, Examples | None]:
    """Read the texts to train on, and those to choose the epoch with where there are some.

    With ``set_name`` ``data`` is a folder of the paper's data sets; the dev part of that set chooses where no
    ``validation`` is given. ``reading`` goes to `casecnn.text.data.examples.read_examples`.
    """
    held_out = read_examples(validation, **reading).for_labels(multi_label) if validation else None
    if set_name is None:
        return read_examples(data, **reading).for_labels(multi_label), held_out
    loaded = load_data_set(data, set_name)
    return loaded.train, held_out or loaded.dev


def train_file(
    examples: Examples,
    output: str | Path,
    recipe: TextRecipe,
    *,
    validation: Examples | None = None,
    vectors: Sequence[str] = (),
    extra_words: int | None = None,
    subwords: int | None = None,
    max_length: int | None = None,
    precision: str = "half",
    initial: str | None = None,
    command: str = "",
    **options: Any,
) -> Training:
    """Train on examples and write the model to `output`; `options` go to `casecnn.text.training.trainer.fit`.

    `initial` names a model to go on from, packaged or a file. While it trains, checkpoints are in a folder beside the
    model whose name depends on data, vectors and settings; it is there only as long as a run is unfinished. Raises
    InputError before any work where `output` cannot be a file, and what `fit` raises.
    """
    target = Path(output)
    one_of("precision", precision, PRECISIONS)
    read = [examples.source, *([validation.source] if validation is not None else []), *vectors]
    read += [initial] if initial is not None else []
    check_writable(target, read)
    fields: dict[str, Any] = {"extra_words": extra_words, "subwords": subwords, "max_length": max_length}
    recipe = replace(recipe, **{name: value for name, value in fields.items() if value is not None})
    given = None if validation is None else (validation.texts, validation.labels or [])
    start = [] if initial is None else [[initial, *_state(initial)]]
    files = [[str(name), *_state(name)] for name in vectors]
    folder = target.with_name(f"{target.name}.training-{_digest(examples, validation, files, recipe, *start, options)}")
    assert examples.labels is not None
    trained = fit(
        examples.texts,
        examples.labels,
        recipe,
        vectors=vectors,
        validation=given,
        initial=None if initial is None else load_model(initial),
        output=folder,
        metadata={"data": examples.source, "command": command},
        **options,
    )
    trained.model.save(target, precision)
    shutil.rmtree(folder, ignore_errors=True)
    return trained


def _digest(examples: Examples, validation: Examples | None, *settings: Any) -> str:
    """Return twelve hexadecimal digits that differ where data or settings do."""
    digest = hashlib.sha256(repr(settings).encode())
    for part in (examples, validation):
        for text in [] if part is None else part.texts:
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        digest.update(repr(None if part is None else part.labels).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12]


def _state(name: str) -> list[int]:
    """Size and time of a file of vectors, so that a run does not go on with other vectors; nothing for a package's."""
    try:
        facts = os.stat(name)
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns]

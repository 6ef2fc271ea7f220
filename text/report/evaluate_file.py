"""A model measured on labelled texts in a file, or on a data set of the paper."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from casecnn.text.data.data_sets import load_data_set
from casecnn.text.data.examples import Examples, read_examples
from casecnn.text.model.classify import Classifier
from casecnn.text.report.evaluation import Evaluation, evaluate, renamed


def evaluate_file(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str],
    *,
    set_name: str | None = None,
    rename: Mapping[str, str] | None = None,
    vectors: Sequence[str] = (),
    bins: int = 10,
    **reading: Any,
) -> Evaluation:
    """Measure a model, given by name or file, on the labelled texts of a file.

    With ``set_name`` ``data`` is a folder of the paper's data sets, and the test part of that set is taken, or all of
    it where it has none. ``rename`` gives labels of the data the model's names. ``vectors`` are files of word vectors
    for words that the model does not know. ``reading`` goes to `casecnn.text.data.examples.read_examples`. Raises
    UsageError and InputError as the functions that it calls do.
    """
    classifier = Classifier(model)
    examples = _test_part(data, set_name) if set_name else read_examples(data, **reading)
    if vectors:
        classifier = classifier.with_vectors(vectors, [examples.texts])
    labels = renamed(examples.labels or [], rename or {})
    return evaluate(classifier, examples.texts, labels, bins=bins, source=f"'{os.fspath(data)}'")


def _test_part(folder: str | os.PathLike[str], set_name: str) -> Examples:
    loaded = load_data_set(folder, set_name, phrases=False)
    return loaded.test or loaded.train

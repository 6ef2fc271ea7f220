"""The sentence CNN as a scikit-learn classifier: raw texts in, labels out."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

from casecnn.errors import CasecnnError, InputError, UsageError
from casecnn.text.model.classify import Classifier
from casecnn.text.model.explain import Explanation, explain
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import probabilities
from casecnn.text.training.recipe import TextRecipe, recipe_named, recipe_of
from casecnn.text.words.outside_words import OutsideWords
from casecnn.text.words.vectors import WordVectors, is_keyed, load_all

_CLASSES = "classes"  # in the model's metadata: the classes with their types, as JSON


class EstimatorError(InputError, ValueError):
    """What scikit-learn expects of wrong input, a ValueError, in the one line that this package has for it."""


class SentenceCNN(ClassifierMixin, BaseEstimator):
    """Kim's sentence CNN (2014) for raw texts, with the interface of scikit-learn's classifiers.

    `X` is a sequence of strings (list, tuple, array, Series), `y` a label for each, or an indicator matrix [texts,
    labels] of 0 and 1 for several labels a text. Works in Pipeline, GridSearchCV, cross_val_predict and
    CalibratedClassifierCV, and passes scikit-learn's checks of a classifier (`tests/text/test_estimator_checks.py`). A
    fitted estimator predicts with NumPy alone and can be pickled. There is no `partial_fit`: `fit` fixes the words that
    the net has vectors for; `warm_start` goes on with more texts, new words and labels among them.

    vectors: word vectors to start from: a file, gensim's KeyedVectors, a `casecnn.text.words.vectors.WordVectors`, or a
        list of them, which are put side by side. Without them words start at random, and NB-SVM is the better
        classifier. Words that are new at prediction time are looked up in vectors that were given in memory, not in
        files.
    recipe: "best" or "paper" (Kim's settings); a parameter below that is None has the recipe's value.
    variant: "rand", "static", "non-static" or "multichannel"; None: "non-static" with vectors, else "rand".
    windows, maps, dropout, epochs, batch_size, cleaning, dev_share: fields of
        `casecnn.text.training.recipe.TextRecipe`; settings: a dict of any others. The best epoch is chosen on
        `dev_share` of the texts, held out.
    class_weight: None, "balanced", or a dict from label to weight.
    random_state: a number gives the same bits each time on one machine with one number of threads.
    device: "auto", "cpu", "cuda", where `fit` computes. verbose: whether `fit` shows its progress.
    warm_start: whether a second `fit` goes on from the model of the first, with its words, vectors and filters, and of
        labels with the same name their output; the net's shape is the first one's then.

    Fitted: `classes_`, sorted (for several labels a text their numbers); `model_`, a `TextModel`; `epoch_`, after which
    the weights were taken; `dev_`, their metrics on the held-out texts, or None.

    >>> texts, labels = ["a fine film", "fine acting", "a dull film", "dull and slow"], ["good", "good", "bad", "bad"]
    >>> SentenceCNN(epochs=20, random_state=0).fit(texts, labels).predict(["a fine story", "so dull"]).tolist()
    ['good', 'bad']
    """

    def __init__(
        self,
        vectors: Any = None,
        recipe: str = "best",
        variant: str | None = None,
        windows: tuple[int, ...] | None = None,
        maps: int | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        cleaning: str | None = None,
        dev_share: float | None = None,
        settings: dict[str, Any] | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        device: str = "auto",
        verbose: bool = False,
        warm_start: bool = False,
    ) -> None:
        self.vectors = vectors
        self.recipe = recipe
        self.variant = variant
        self.windows = windows
        self.maps = maps
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.cleaning = cleaning
        self.dev_share = dev_share
        self.settings = settings
        self.class_weight = class_weight
        self.random_state = random_state
        self.device = device
        self.verbose = verbose
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SentenceCNN:
        """Trains on texts and labels; returns itself.

        Raises EstimatorError (a ValueError) for texts, labels or parameters that nothing can be learned with.
        """
        texts = texts_of(X)
        classes, labels, multi_label = _labels_of(y)
        names = [str(name) for name in classes.tolist()]
        if len(set(names)) != len(names):
            raise EstimatorError(f"`y`: the labels {names} must be told apart by their names")
        for name in names:
            if any("\ud800" <= character <= "\udfff" for character in name):
                raise EstimatorError(f"`y`: the label {name!r} holds half of a character, which no file can")
        if len(labels) != len(texts):
            raise EstimatorError(f"there are {len(texts)} texts and {len(labels)} labels; each text needs one")
        if not multi_label and len(names) < 2:
            raise EstimatorError(
                f"all texts have the label {names[0]!r}, one class; to tell labels apart there must be at least two"
            )
        vectors = self._vectors()
        weight = self.class_weight
        if isinstance(weight, Mapping):
            weight = {str(label): value for label, value in weight.items()}
        if sample_weight is not None:
            sample_weight = column_or_1d(np.asarray(sample_weight, np.float64))
        from casecnn.text.training.trainer import fit

        initial = getattr(self, "model_", None) if self.warm_start else None
        chosen = {name: _plain(getattr(self, name)) for name in _FIELDS} | dict(self.settings or {})
        chosen["variant"] = self.variant or ("non-static" if vectors else "rand")
        if self.windows is not None:
            chosen["windows"] = tuple(map(_plain, self.windows))
        try:
            if unknown := sorted(set(chosen) - {field.name for field in dataclasses.fields(TextRecipe)}):
                raise UsageError(
                    f"`settings` names {unknown[0]!r}, which is no field of casecnn.text.training.recipe.TextRecipe"
                )
            trained = fit(
                texts,
                [[names[n] for n in np.flatnonzero(row)] for row in labels]
                if multi_label
                else [names[n] for n in labels],
                recipe_named(self.recipe, **chosen)
                if initial is None
                else recipe_of(initial, recipe_named(self.recipe, **chosen)),
                vectors=vectors,
                initial=initial,
                multi_label=multi_label,
                classes=names,
                class_weight=weight,
                sample_weight=sample_weight,
                seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
                device=self.device,
                progress=bool(self.verbose),
                metadata={_CLASSES: json.dumps(classes.tolist())},
            )
        except CasecnnError as error:
            raise EstimatorError(str(error)) from error
        self.classes_ = classes
        self.model_ = trained.model
        self._classifier: Classifier | None = self._made()  # predicting changes nothing of the estimator
        self.epoch_ = trained.epoch
        self.dev_ = trained.dev
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest label of each text [texts]; with several labels a text an indicator matrix [texts, labels]."""
        logits = self._logits(X)
        if self.model_.multi_label:
            return (logits >= 0).astype(np.int64)
        return self.classes_[logits.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities float64 [texts, labels], columns as in `classes_`.

        Rows add up to 1, unless a text may have several labels; then each column is a probability of its own.
        """
        return probabilities(self._logits(X), self.model_.multi_label)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`, float64 [texts, labels]; never -inf."""
        logits = self._logits(X).astype(np.float64)
        if self.model_.multi_label:
            return -np.logaddexp(0, -logits)
        logits = logits - logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def decision_function(self, X: Any) -> np.ndarray:
        """Logits [texts, labels]; with two labels [texts], the second's less the first's, above 0 for the second."""
        logits = self._logits(X).astype(np.float64)
        if len(self.classes_) == 2 and not self.model_.multi_label:
            return logits[:, 1] - logits[:, 0]
        return logits

    def explain(self, X: Any) -> list[Explanation]:
        """For each text the n-grams that decided: see `casecnn.text.model.explain`."""
        classifier = self._ready()
        return [explain(classifier.predictor, classifier.clean(text)) for text in texts_of(X)]

    def save(self, path: str | os.PathLike[str], precision: str = "full") -> None:
        """Writes the fitted model as a safetensors file that `load` and `casecnn text classify --weights` read.

        `precision` as in `TextModel.save`. Parameters are not in it; pickle or joblib keep all of the estimator.
        """
        check_is_fitted(self)
        self.model_.save(path, precision)

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Any = None) -> SentenceCNN:
        """A fitted estimator from a file that `save` or `casecnn text train` wrote, with default parameters.

        Raises InputError for a file that is no text model.
        """
        self = cls(vectors=vectors)
        self.model_ = TextModel.load(path)
        try:
            names = json.loads(self.model_.metadata.get(_CLASSES, "null"))
        except ValueError:
            names = None
        if not isinstance(names, list) or [str(name) for name in names] != list(self.model_.labels):
            names = list(self.model_.labels)
        self.classes_ = np.array(names)
        self._classifier = self._made()
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.classifier_tags.multi_label = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_classifier"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({"warm_start": False, **state})  # older pickles lack it

    def _logits(self, X: Any) -> np.ndarray:
        classifier = self._ready()
        return classifier.predictor.scores([classifier.clean(text) for text in texts_of(X)])

    def _ready(self) -> Classifier:
        check_is_fitted(self)
        if getattr(self, "_classifier", None) is None:  # it was unpickled
            self._classifier = self._made()
        assert self._classifier is not None
        return self._classifier

    def _made(self) -> Classifier:
        vectors = self._vectors()
        in_memory = vectors and all(isinstance(entry, WordVectors) or is_keyed(entry) for entry in vectors)
        return Classifier(self.model_, OutsideWords(load_all(vectors, None)) if in_memory else None)

    def _vectors(self) -> list[Any]:
        if self.vectors is None:
            return []
        given = getattr(self.vectors, "wv", self.vectors)  # of a model of gensim's
        return [given] if isinstance(given, (str, Path, WordVectors)) or is_keyed(given) else list(given)


_FIELDS = ("maps", "dropout", "epochs", "batch_size", "cleaning", "dev_share")


def texts_of(X: Any) -> list[str]:
    """The texts of whatever sequence they come in; EstimatorError for a single string and for anything that is no text.

    scikit-learn hands over lists, arrays and Series; a string is a sequence too, of its characters, and is refused.
    """
    if isinstance(X, (str, bytes)):
        raise EstimatorError("`X` must be a sequence of texts, not one text; put it into a list")
    if isinstance(X, (Mapping, Set)) or getattr(X, "ndim", 1) != 1 or not hasattr(X, "__iter__"):
        shape = f" of shape {X.shape}" if hasattr(X, "shape") else ""
        raise EstimatorError(
            f"`X` must be a sequence of texts, not {type(X).__name__}{shape}; give one column of texts"
        )
    texts = list(X)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise EstimatorError(
                f"text {number} of `X` must be a str, not {type(text).__name__}; leave it out or fill it"
            )
    return texts


def _labels_of(y: Any) -> tuple[np.ndarray, np.ndarray, bool]:
    """Classes, sorted; places among them int64 [texts], or an indicator matrix; whether it is one."""
    if y is None:
        raise EstimatorError("`y` must hold a label for each text; this classifier requires y to be passed")
    try:
        check_classification_targets(y)
        several = type_of_target(y, input_name="y").startswith("multilabel")
        if not several:
            classes, places = np.unique(column_or_1d(y, warn=True), return_inverse=True)
    except TypeError:
        raise EstimatorError("`y` mixes labels of different kinds; make them all strings, or all numbers") from None
    if several:
        rows = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        if not np.isin(rows, (0, 1)).all():
            raise EstimatorError("`y`: an indicator matrix of several labels a text must hold 0 and 1 only")
        return np.arange(rows.shape[1]), rows, True
    if len(places) == 0:
        raise EstimatorError("`y` is empty; there must be labels to learn from")
    if odd := [label for label in classes.tolist() if not isinstance(label, (str, bool, int, float))]:
        raise EstimatorError(f"`y`: a label must be a string or a number, not {type(odd[0]).__name__}")
    return classes, places, False


def _plain(value: Any) -> Any:
    """Numbers of NumPy, which a parameter grid may hold, as Python's."""
    return value.item() if isinstance(value, np.generic) else value

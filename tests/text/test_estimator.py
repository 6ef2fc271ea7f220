"""`SentenceCNN` keeps scikit-learn's contract: checked by hand, since `check_estimator` skips estimators of texts."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from sentences import sentences, vectors
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator
from small_estimator import LABELS, NEW, TEXTS, learned, quick

from casecnn.errors import InputError
from casecnn.text.estimator import EstimatorError, SentenceCNN
from casecnn.text.model.model import TextModel

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def fitted() -> SentenceCNN:
    return learned()


def test_the_package_offers_it():
    import casecnn.text

    assert casecnn.text.SentenceCNN is SentenceCNN and {"Classifier", "load_model", "train"} <= {*casecnn.text.__all__}
    assert all(getattr(casecnn.text, name).__name__ == name for name in casecnn.text.__all__)
    with pytest.raises(AttributeError, match="module 'casecnn.text' has no attribute 'sentence'"):
        casecnn.text.sentence  # noqa: B018


# Parameters


def test_the_constructor_only_stores():
    given = {name: object() for name in inspect.signature(SentenceCNN).parameters}
    estimator = SentenceCNN(**given)
    assert vars(estimator) == given
    assert estimator.get_params(deep=False) == given


def test_parameters_go_round():
    estimator = quick(windows=(2, 4), dropout=0.25)
    copy = clone(estimator)
    assert copy is not estimator and repr(copy) == repr(estimator)
    mine, other = estimator.get_params(), copy.get_params()
    assert {name: value for name, value in mine.items() if name != "vectors"} == {
        name: value for name, value in other.items() if name != "vectors"
    }
    assert copy.set_params(maps=7) is copy and copy.maps == 7 and estimator.maps == 3
    with pytest.raises(ValueError, match="Invalid parameter 'filters'"):
        copy.set_params(filters=3)


def test_scikit_learn_knows_what_it_is():
    assert is_classifier(SentenceCNN())
    tags = SentenceCNN().__sklearn_tags__()
    assert (tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array) == (True, True, False)
    assert tags.target_tags.required and tags.classifier_tags.multi_label
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)  # it checks next to nothing for texts: hence this file
        check_estimator(SentenceCNN())


# Fitting


def test_it_learns(fitted):
    texts, labels = sentences(200, seed=7)
    assert fitted.score(texts, labels) > 0.75
    assert fitted.predict(["a lovely film"]) == ["positive"] and fitted.predict(["this dull plot"]) == ["negative"]


def test_fitting_gives_itself_and_changes_nothing():
    texts, labels = np.array(TEXTS, object), np.array(LABELS)
    before = texts.copy(), labels.copy()
    estimator = quick()
    assert estimator.fit(texts, labels) is estimator
    assert (texts == before[0]).all() and (labels == before[1]).all()
    assert estimator.classes_.tolist() == ["negative", "positive"]
    assert isinstance(estimator.model_, TextModel) and 0 < estimator.epoch_ <= 2 and "accuracy" in estimator.dev_


def test_an_unfitted_estimator_says_so(tmp_path):
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function", "explain"):
        with pytest.raises(NotFittedError):
            getattr(quick(), method)(NEW)
    with pytest.raises(NotFittedError):
        quick().save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotFittedError):
        clone(quick().fit(TEXTS, LABELS)).predict(NEW)


def test_the_same_random_state_gives_the_same_bits():
    first, second, other = (quick(random_state=state).fit(TEXTS, LABELS) for state in (3, 3, 4))
    assert np.array_equal(first.predict_proba(NEW), second.predict_proba(NEW))
    assert not np.array_equal(first.predict_proba(NEW), other.predict_proba(NEW))
    states = [np.random.RandomState(3), np.random.RandomState(3)]
    drawn = [quick(random_state=state).fit(TEXTS, LABELS).predict_proba(NEW) for state in states]
    assert np.array_equal(*drawn)


def test_fitting_again_forgets():
    estimator = quick()
    estimator.fit(TEXTS, LABELS).predict(NEW)
    estimator.fit(TEXTS[:30], ["b" if label == "negative" else "a" for label in LABELS[:30]])
    assert estimator.classes_.tolist() == ["a", "b"] and set(estimator.predict(NEW)) <= {"a", "b"}
    fresh = quick().fit(TEXTS[:30], ["b" if label == "negative" else "a" for label in LABELS[:30]])
    assert np.array_equal(fresh.predict_proba(NEW), estimator.predict_proba(NEW))


@pytest.mark.parametrize("kinds", [(1, 0), (10, 2), (True, False), ("yes", "no"), ("b", "a"), (2.0, -1.0)])
def test_labels_of_any_kind_in_sorted_order(kinds):
    """Columns follow `classes_`, and what a label is called changes nothing else."""
    named = {"positive": kinds[0], "negative": kinds[1]}
    labels = np.array([named[label] for label in LABELS])
    estimator = quick().fit(TEXTS, labels)
    assert estimator.classes_.tolist() == sorted(kinds) and estimator.classes_.dtype == labels.dtype
    predicted = estimator.predict(TEXTS)
    assert predicted.dtype == labels.dtype
    assert (predicted == estimator.classes_[estimator.predict_proba(TEXTS).argmax(1)]).all()
    assert estimator.model_.labels == tuple(str(kind) for kind in sorted(kinds))


def test_more_than_two_labels():
    labels = [("a", "b", "c")[number % 3] for number in range(60)]
    estimator = quick().fit(TEXTS, labels)
    scores, shares = estimator.decision_function(NEW), estimator.predict_proba(NEW)
    assert scores.shape == shares.shape == (4, 3)
    assert np.allclose(np.exp(scores) / np.exp(scores).sum(1, keepdims=True), shares)


def test_several_labels_a_text():
    y = np.array([[label == "positive", "film" in text, True] for text, label in zip(TEXTS, LABELS, strict=True)], int)
    estimator = quick().fit(TEXTS, y)
    assert estimator.classes_.tolist() == [0, 1, 2]
    shares = estimator.predict_proba(NEW)
    assert shares.shape == (4, 3) and (estimator.predict(NEW) == (shares >= 0.5)).all()
    assert np.allclose(1 / (1 + np.exp(-estimator.decision_function(NEW))), shares)
    assert np.allclose(np.exp(estimator.predict_log_proba(NEW)), shares)
    assert estimator.predict(NEW).dtype == np.int64 and 0 <= estimator.score(TEXTS, y) <= 1


def test_weights_count():
    """A label or text that counts for much more is given more often."""
    base = quick(epochs=10).fit(TEXTS, LABELS).predict_proba(TEXTS)[:, 1].mean()
    by_class = quick(epochs=10, class_weight={"positive": 20.0}).fit(TEXTS, LABELS)
    weights = np.where(np.array(LABELS) == "positive", 20.0, 1.0)
    by_text = quick(epochs=10).fit(TEXTS, LABELS, sample_weight=weights)
    assert by_class.predict_proba(TEXTS)[:, 1].mean() > base + 0.1
    assert by_text.predict_proba(TEXTS)[:, 1].mean() > base + 0.1
    quick(class_weight="balanced").fit(TEXTS, LABELS)


# Predicting


def test_what_it_predicts_with(fitted):
    """Probabilities, their logarithms, decision values and labels are of one kind."""
    shares, scores = fitted.predict_proba(NEW), fitted.decision_function(NEW)
    assert shares.shape == (4, 2) and shares.dtype == np.float64 and np.allclose(shares.sum(1), 1)
    assert scores.shape == (4,) and np.allclose(1 / (1 + np.exp(-scores)), shares[:, 1])
    assert np.allclose(np.exp(fitted.predict_log_proba(NEW)), shares)
    assert (fitted.predict(NEW) == fitted.classes_[(scores > 0).astype(int)]).all()
    alone = np.concatenate([fitted.predict_proba([text]) for text in NEW])
    assert np.array_equal(alone, shares)
    assert fitted.predict([]).shape == (0,) and fitted.predict_proba([]).shape == (0, 2)


class Series:
    """As much of a pandas Series as counts here."""

    def __init__(self, values):
        self.values, self.shape, self.ndim = list(values), (len(values),), 1

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)


def test_texts_in_any_sequence(fitted):
    wanted = fitted.predict_proba(NEW)
    for texts in (tuple(NEW), np.array(NEW), np.array(NEW, object), Series(NEW), iter(NEW)):
        assert np.array_equal(fitted.predict_proba(texts), wanted)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("a lovely film", "`X` must be a sequence of texts, not one text; put it into a list"),
        (b"a lovely film", "`X` must be a sequence of texts, not one text; put it into a list"),
        (np.array([["a film"]]), r"`X` must be a sequence of texts, not ndarray of shape \(1, 1\); give one column"),
        ({"a film": 1}, "`X` must be a sequence of texts, not dict; give one column of texts"),
        ({"a film"}, "`X` must be a sequence of texts, not set; give one column of texts"),
        (5, "`X` must be a sequence of texts, not int; give one column of texts"),
        (None, "`X` must be a sequence of texts, not NoneType; give one column of texts"),
        (np.array("a film"), r"`X` must be a sequence of texts, not ndarray of shape \(\)"),
        (["a film", None], "text 1 of `X` must be a str, not NoneType; leave it out or fill it"),
        (["a film", float("nan")], "text 1 of `X` must be a str, not float; leave it out or fill it"),
        ([["a", "film"]], "text 0 of `X` must be a str, not list"),
        ([b"a film"], "text 0 of `X` must be a str, not bytes"),
    ],
)
def test_what_is_no_sequence_of_texts_is_refused(texts, message, fitted):
    for call in (fitted.predict, fitted.predict_proba, lambda X: quick().fit(X, LABELS[:2])):
        with pytest.raises(ValueError, match=message) as caught:
            call(texts)
        assert isinstance(caught.value, InputError) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "texts", "labels", "message"),
    [
        ({}, TEXTS, None, "requires y to be passed"),
        ({}, TEXTS, LABELS[:-1], "there are 60 texts and 59 labels; each text needs one"),
        ({}, [], [], "`y` is empty; there must be labels to learn from"),
        (
            {},
            TEXTS,
            ["a"] * 60,
            "all texts have the label 'a', one class; to tell labels apart there must be at least two",
        ),
        ({}, TEXTS, np.linspace(0, 1, 60), "Unknown label type: continuous"),
        (
            {},
            TEXTS,
            np.array(["a", 1] * 30, object),
            "`y` mixes labels of different kinds",
        ),
        (
            {},
            TEXTS,
            np.array(["2020-01-01", "2021-01-01"] * 30, "datetime64[D]"),
            "must be a string or a number, not date",
        ),
        (
            {},
            TEXTS,
            np.array([[0, 2], [2, 0]] * 30),
            "an indicator matrix of several labels a text must hold 0 and 1 only",
        ),
        ({"maps": 10**19}, TEXTS, LABELS, r"`maps` \(=10000000000000000000\) must be a whole number from 1 to 100000"),
        ({"maps": 0}, TEXTS, LABELS, r"`maps` \(=0\) must be a whole number from 1 to 100000"),
        ({"dropout": 1.0}, TEXTS, LABELS, r"`dropout` \(=1.0\) must be a number of at least 0 and below 1"),
        ({"recipe": "worst"}, TEXTS, LABELS, r"`recipe` \(=worst\) must be one of paper, best"),
        ({"variant": "rand"}, TEXTS, LABELS, "takes no word vectors"),
        ({"variant": "static", "vectors": None}, TEXTS, LABELS, "needs word vectors"),
        ({"settings": {"filters": 3}}, TEXTS, LABELS, "`settings` names 'filters', which is no field of"),
        ({"class_weight": {"neutral": 2.0}}, TEXTS, LABELS, "`class_weight` names 'neutral'"),
        ({"class_weight": "even"}, TEXTS, LABELS, r"`class_weight` \(='even'\) must be 'balanced'"),
        ({"vectors": "none.kv"}, TEXTS, LABELS, "cannot read 'none.kv': there is no such file"),
        ({"device": "abacus"}, TEXTS, LABELS, "abacus"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_one_line(changes, texts, labels, message):
    with pytest.raises(ValueError, match=message) as caught:
        quick(**changes).fit(texts, labels)
    assert "\n" not in str(caught.value)


def test_wrong_sample_weights_are_refused():
    for weights in ([1.0], [-1.0] * 60, [0.0] * 60, [np.nan] * 60):
        with pytest.raises(EstimatorError, match="`sample_weight` must be 60 numbers of at least 0, and not all zero"):
            quick(dev_share=0.0).fit(TEXTS, LABELS, sample_weight=weights)


def test_words_new_at_prediction_are_looked_up_in_vectors_in_memory(fitted):
    """ "unseen" has a vector, and is in no training text; "zzz" has none."""
    assert "unseen" not in fitted.model_.rows and "unseen" in vectors()
    alone = SentenceCNN()
    alone.model_, alone.classes_ = fitted.model_, fitted.classes_
    assert np.array_equal(alone.predict_proba(["unseen"]), alone.predict_proba(["zzz"]))
    assert not np.array_equal(fitted.predict_proba(["unseen"]), fitted.predict_proba(["zzz"]))


def test_explanations_add_up(fitted):
    found = fitted.explain(NEW)
    for explanation, score in zip(found, fitted.decision_function(NEW), strict=True):
        total = sum(piece.contributions for piece in explanation.evidence)
        assert total[1] - total[0] == pytest.approx(score, abs=1e-5)

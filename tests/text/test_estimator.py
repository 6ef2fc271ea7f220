"""`SentenceCNN` keeps scikit-learn's contract: checked by hand, since `check_estimator` skips estimators of texts."""

from __future__ import annotations

import inspect
import io
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import sklearn
import torch
from gensim.models import KeyedVectors
from sentences import sentences, vectors
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError, SkipTestWarning, UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator

from casecnn.errors import InputError
from casecnn.text.estimator import EstimatorError, SentenceCNN
from casecnn.text.model.model import TextModel
from casecnn.text.words.vectors import WordVectors

TEXTS, LABELS = sentences(60)
NEW = ["a lovely film", "this dull plot", "", "zzz"]

pytestmark = pytest.mark.usefixtures("one_thread")


def quick(**changes) -> SentenceCNN:
    settings = {"least_steps": 0, **changes.pop("settings", {})}
    given = {"vectors": vectors(), "epochs": 2, "maps": 3, "windows": (2,), "random_state": 0, "settings": settings}
    return SentenceCNN(**(given | changes))


@pytest.fixture(scope="module")
def fitted() -> SentenceCNN:
    torch.set_num_threads(1)
    return quick(epochs=40).fit(TEXTS, LABELS)


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


# Keeping


def test_pickle_and_joblib(fitted):
    fitted.predict(NEW)
    wanted = fitted.predict_proba(NEW)
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    stream.seek(0)
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(stream)):
        assert np.array_equal(copy.predict_proba(NEW), wanted)
        assert copy.classes_.tolist() == fitted.classes_.tolist() and copy.epochs == 40


@pytest.mark.parametrize("kinds", [("yes", "no"), (1, 0), (True, False)])
def test_saved_and_loaded(kinds, tmp_path):
    labels = np.array([kinds[0] if label == "positive" else kinds[1] for label in LABELS])
    estimator = quick().fit(TEXTS, labels)
    estimator.save(tmp_path / "m.safetensors")
    loaded = SentenceCNN.load(tmp_path / "m.safetensors", vectors=estimator.vectors)
    assert np.array_equal(loaded.predict_proba(NEW), estimator.predict_proba(NEW))
    assert loaded.classes_.dtype == estimator.classes_.dtype and (loaded.predict(NEW) == estimator.predict(NEW)).all()
    assert TextModel.load(tmp_path / "m.safetensors").labels == tuple(str(kind) for kind in sorted(kinds))
    with pytest.raises(InputError, match="there is no such file"):
        SentenceCNN.load(tmp_path / "none.safetensors")


@pytest.mark.slow
def test_predicting_needs_no_torch(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "m.joblib")
    program = (
        f"import joblib, sys; print(*joblib.load({str(tmp_path / 'm.joblib')!r}).predict(['a lovely film']))\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["positive", "False"]


# At work with the rest of scikit-learn


def test_in_a_pipeline_and_a_grid_search():
    pipeline = make_pipeline(FunctionTransformer(lambda X: [text.replace("film", "movie") for text in X]), quick())
    search = GridSearchCV(pipeline, {"sentencecnn__maps": [2, np.int64(3)]}, cv=2).fit(TEXTS, LABELS)
    assert search.best_params_["sentencecnn__maps"] in (2, 3)
    assert len(search.predict(NEW)) == 4
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_weights_are_routed_to_it_where_it_asks_for_them():
    weights = np.linspace(0.1, 2, len(TEXTS))
    wanted = quick().fit(TEXTS, LABELS, sample_weight=weights).model_.output_weight
    with sklearn.config_context(enable_metadata_routing=True):
        asking = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        line = make_pipeline(FunctionTransformer(), asking).set_output(transform="default")
        found = line.fit(TEXTS, LABELS, sample_weight=weights)[-1]
        assert np.array_equal(found.model_.output_weight, wanted)
        search = GridSearchCV(line, {"sentencecnn__epochs": [1, 2]}, cv=2).fit(TEXTS, LABELS, sample_weight=weights)
        assert hasattr(search.best_estimator_[-1], "model_")
        deaf = make_pipeline(FunctionTransformer(), quick().set_fit_request(sample_weight=False))
        with pytest.raises(TypeError, match="sample_weight"):
            deaf.fit(TEXTS, LABELS, sample_weight=weights)
        with pytest.raises(UnsetMetadataPassedError):
            make_pipeline(FunctionTransformer(), quick()).fit(TEXTS, LABELS, sample_weight=weights)
    assert not hasattr(SentenceCNN, "transform") and not hasattr(SentenceCNN, "set_output")  # it makes no features


def test_in_cross_validation():
    shares = cross_val_predict(quick(), np.array(TEXTS, object), LABELS, cv=3, method="predict_proba")
    assert shares.shape == (60, 2) and np.allclose(shares.sum(1), 1)
    scores = cross_val_predict(quick(), TEXTS, LABELS, cv=2, method="decision_function")
    assert scores.shape == (60,)


def test_in_calibration():
    calibrated = CalibratedClassifierCV(quick(), cv=2).fit(TEXTS, LABELS)
    assert np.allclose(calibrated.predict_proba(NEW).sum(1), 1)
    assert calibrated.classes_.tolist() == ["negative", "positive"]


def test_gensims_vectors_in_memory_are_word_vectors():
    own = vectors()
    keyed = KeyedVectors(own.vector_size)
    keyed.add_vectors(list(own.words), own.matrix)
    first, second = quick(vectors=own).fit(TEXTS, LABELS), quick(vectors=keyed).fit(TEXTS, LABELS)
    unseen = ["good " + word for word in own.words]
    assert np.array_equal(first.predict_proba(unseen), second.predict_proba(unseen))
    both = quick(vectors=[keyed, own]).fit(TEXTS, LABELS)
    assert both.model_.dim == 2 * own.vector_size and np.isfinite(both.predict_proba(unseen)).all()


OLD = {  # a class, and the module that version 0.1 had it in: pickles name that
    SentenceCNN: "casecnn.text.estimator",
    TextModel: "casecnn.text.model",
    WordVectors: "casecnn.text.vectors",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:casecnn.text:DeprecationWarning")
def test_a_pickle_of_version_0_1_loads(fitted, tmp_path, monkeypatch):
    with monkeypatch.context() as old:
        for kind, module in OLD.items():
            old.setattr(kind, "__module__", module)
        content = pickle.dumps(fitted)
    for module in OLD.values():
        assert module.encode() in content
    for module in (b"casecnn.text.model.model", b"casecnn.text.words.vectors"):
        assert module not in content
    (tmp_path / "old.pickle").write_bytes(content)
    script = "import pickle, sys; print(*pickle.load(open(sys.argv[1], 'rb')).predict(sys.argv[2:]))"
    command = [sys.executable, "-W", "default", "-c", script, tmp_path / "old.pickle", *NEW]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == fitted.predict(NEW).tolist()
    assert "casecnn.text.vectors is now casecnn.text.words.vectors" in done.stderr

"""`SentenceCNN` at work with the rest of scikit-learn: pipelines, searches, routing, calibration."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from gensim.models import KeyedVectors
from sentences import vectors
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from small_estimator import LABELS, NEW, TEXTS, quick

from casecnn.text.estimator import SentenceCNN

pytestmark = pytest.mark.usefixtures("one_thread")


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

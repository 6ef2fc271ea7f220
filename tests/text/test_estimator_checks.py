"""scikit-learn's own checks of a classifier, all that it has, with numbers written as words.

`check_estimator` has one check for an estimator of texts. So the checks for tables of numbers run on a subclass that
takes a table and hands each row to `SentenceCNN` as a text, a word for each cell: what is tested is everything that
`fit`, `predict` and the parameters do.
"""

from __future__ import annotations

from unittest import SkipTest

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted, validate_data

from casecnn.text.estimator import SentenceCNN

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore")]

CANNOT = {
    "check_sample_weight_equivalence_on_dense_data": "batches are drawn at random: a text given twice meets others "
    "than one of double weight",
}


class Rows(SentenceCNN):
    """`SentenceCNN` for tables of numbers."""

    def _texts(self, X, **options):
        X = validate_data(self, X, **options)
        return [" ".join(f"c{c}v{int(np.clip(np.round(v), -9, 9))}" for c, v in enumerate(row)) for row in X]

    def fit(self, X, y=None, sample_weight=None):
        if y is None:
            raise ValueError("this classifier requires y to be passed, but the target y is None")
        validate_data(self, X, y)
        return super().fit(self._texts(X, reset=False), y, sample_weight)

    def predict(self, X):
        check_is_fitted(self)
        return super().predict(self._texts(X, reset=False))

    def predict_proba(self, X):
        check_is_fitted(self)
        return super().predict_proba(self._texts(X, reset=False))

    def predict_log_proba(self, X):
        check_is_fitted(self)
        return super().predict_log_proba(self._texts(X, reset=False))

    def decision_function(self, X):
        check_is_fitted(self)
        return super().decision_function(self._texts(X, reset=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = tags.classifier_tags.multi_label = False
        tags.input_tags.two_d_array = True
        return tags


def estimator():
    return Rows(
        maps=4,
        windows=(1, 2),
        epochs=8,
        batch_size=10,
        cleaning="none",
        dev_share=0.0,
        random_state=0,
        settings={"dim": 8},
    )


CHECKS = [(getattr(check, "func", check).__name__, check) for _, check in estimator_checks_generator(estimator())]


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[name for name, _ in CHECKS])
def test_a_check_of_scikit_learn(name, check):
    if name in CANNOT:
        pytest.skip(CANNOT[name])
    try:
        check(estimator())
    except SkipTest as reason:
        pytest.skip(str(reason))


def test_most_of_them_can_be_made():
    assert len(CHECKS) > 50 and set(CANNOT) <= {name for name, _ in CHECKS}

"""ROC and precision-recall curves of labels: by hand, as a picture, from the command."""

import json
import math

import numpy as np
import pytest
from random_models import random_model

from casecnn.cli import main
from casecnn.text.model.classify import Classifier
from casecnn.text.report.curves import MOST_POINTS, curves, mean_of
from casecnn.text.report.evaluation import evaluate
from casecnn.text.report.evaluation_picture import save_picture

TEXTS = ["good film", "a bad film", "good", "not good", "bad", "a film"] * 3
LABELS = ["yes", "no", "yes", "no", "no", "yes"] * 3


@pytest.fixture
def model():
    words = ["good", "bad", "film", "a", "not"]
    return random_model(vocabulary=words, labels=("no", "yes", "$x_1$ \U0001f389"), dim=4, maps=3)


def test_curves_by_hand():
    """Probabilities .9 .8 .7 .6 for texts that have the label, have it not, have it, have it not."""
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    first, second = curves(scores, np.array([0, 1, 0, 1]), ("a", "b"))
    assert first.label == "a" and first.roc_auc == 3 / 4  # three of the four pairs are in order
    assert first.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert first.roc.tolist() == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    assert second.roc_auc == 3 / 4 and mean_of([first, second], "roc_auc") == 3 / 4


def test_a_label_that_none_or_all_have_has_no_curve():
    assert curves(np.eye(2), np.array([0, 0]), ("a", "b")) == () and math.isnan(mean_of((), "roc_auc"))
    several = curves(np.eye(3)[:2], np.array([[True, False, True], [False, False, True]]), ("a", "b", "c"))
    assert [curve.label for curve in several] == ["a"] and several[0].roc_auc == 1


def test_long_curves_are_thinned_and_keep_their_ends():
    draw = np.random.default_rng(0)
    (curve, _) = curves(draw.random((9000, 2)), draw.integers(0, 2, 9000), ("a", "b"))
    assert len(curve.roc) == len(curve.precision_recall) == MOST_POINTS
    assert curve.roc[0].tolist() == [0, 0] and curve.roc[-1].tolist() == [1, 1] and abs(curve.roc_auc - 0.5) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_evaluation_is_the_same_picture(tmp_path, model, ending):
    found = evaluate(Classifier(model), TEXTS, LABELS)
    assert [curve.label for curve in found.curves] == ["no", "yes"]
    for name in ("a", "b"):
        save_picture(found, tmp_path / f"{name}.{ending}")
    first = (tmp_path / f"a.{ending}").read_bytes()
    assert first == (tmp_path / f"b.{ending}").read_bytes() and len(first) > 3000
    if ending == "svg":
        for told in ("calibration (error", "ROC (area)", f"yes: {found.curves[1].roc_auc:.3f}", "recall", "precision"):
            assert told in first.decode()


@pytest.mark.slow
def test_the_command_draws_and_prints_the_areas(tmp_path, model, capsys):
    model.save(tmp_path / "m.safetensors")
    data = tmp_path / "rows.tsv"
    data.write_text("text\tlabel\n" + "".join(f"{t}\t{k}\n" for t, k in zip(TEXTS, LABELS, strict=True)))
    command = ["text", "eval", str(tmp_path / "m.safetensors"), str(data)]
    assert main([*command, "--image", str(tmp_path / "e.svg"), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    labels = found["labels"]
    assert found["roc_auc"] == pytest.approx((labels["no"]["roc_auc"] + labels["yes"]["roc_auc"]) / 2, abs=1e-7)
    assert 0 <= labels["yes"]["average_precision"] <= 1 and "roc_auc" not in labels["$x_1$ \U0001f389"]
    assert (tmp_path / "e.svg").read_text().count("<path") > 10
    assert main(command) == 0 and "ROC area 0." in capsys.readouterr().out
    for image, message, code in (("e.gif", "`--image` (=", 2), ("none/e.png", "the folder", 1)):
        assert main([*command, "--image", str(tmp_path / image)]) == code
        out, err = capsys.readouterr()
        assert out == "" and message in err and err.count("\n") == 1

"""`casecnn text eval`: the figures by hand and against scikit-learn's; the command on the files that people have."""

from __future__ import annotations

import json
import math
import re
import warnings

import numpy as np
import pytest
from random_models import random_model

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.text.model.classify import Classifier
from casecnn.text.report.evaluation import evaluate, measure, reliability, renamed, truth_of
from casecnn.text.report.evaluation_table import evaluation_table

LABELS = ("no", "yes", "perhaps")


def log(*shares):
    return [math.log(share) for share in shares]


def by_hand():
    """Four texts. True labels: no, no, yes, perhaps; given: no, yes, yes, no, with the probabilities written here."""
    logits = np.array([log(0.68, 0.22, 0.1), log(0.25, 0.65, 0.1), log(0.05, 0.92, 0.03), log(0.55, 0.15, 0.3)])
    return measure(logits, np.array([0, 0, 1, 2]), LABELS, without_known_words=1)


def test_figures_by_hand():
    found = by_hand()
    assert (found.texts, found.without_known_words, found.accuracy, found.most_frequent) == (4, 1, 0.5, 0.5)
    assert found.standard_error == 0.25
    assert found.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert [(row.precision, row.recall) for row in found.rows[:2]] == [(0.5, 0.5), (0.5, 1)]
    assert math.isnan(found.rows[2].precision) and found.rows[2].recall == 0
    assert found.macro_f1 == pytest.approx((0.5 + 2 / 3 + 0) / 3) and found.micro_f1 == 0.5
    assert found.log_loss == pytest.approx(-(math.log(0.68) + math.log(0.25) + math.log(0.92) + math.log(0.3)) / 4)
    # from .5 to .6: .55, wrong; from .6 to .7: .68, right, and .65, wrong; above .8: .92, right
    assert found.ece == pytest.approx((0.55 + 2 * abs(0.665 - 0.5) + 0.08) / 4)


def test_the_reliability_table_by_hand():
    confidence = np.array([0.0, 0.25, 0.26, 0.5, 0.51, 1.0, 1.0])
    right = np.array([False, True, False, True, False, True, False])
    rows = reliability(confidence, right, 4)
    assert [(row.low, row.high, row.answers) for row in rows] == [
        (0, 0.25, 2),
        (0.25, 0.5, 2),
        (0.5, 0.75, 1),
        (0.75, 1, 2),
    ]
    assert [row.confidence for row in rows] == pytest.approx([0.125, 0.38, 0.51, 1])
    assert [row.accuracy for row in rows] == [0.5, 0.5, 0, 0.5]
    empty = reliability(np.array([0.9]), np.array([True]), 2)[0]
    assert empty.answers == 0 and math.isnan(empty.confidence) and math.isnan(empty.accuracy)


def test_a_perfectly_calibrated_model_has_no_calibration_error():
    """60 of 100 answers given with .6 are right: the error is 0; called .9 it is .3."""
    for share, wanted in ((0.6, 0), (0.9, 0.3)):
        logits = np.tile(log(share, 1 - share), (100, 1))
        found = measure(logits, np.repeat([0, 1], [60, 40]), ("a", "b"))
        assert found.ece == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_figures_agree_with_scikit_learn(count):
    from sklearn import metrics

    draw = np.random.default_rng(count)
    names = tuple(f"l{number}" for number in range(count + 1))  # the last neither occurs nor is given
    truth = draw.integers(0, count, 300)
    logits = draw.normal(0, 2, (300, count + 1))
    logits[np.arange(300), truth] += 1.5
    logits[:, -1] = -50
    found = measure(logits, truth, names)
    guess = logits.argmax(1)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert found.accuracy == metrics.accuracy_score(truth, guess)
    assert found.macro_f1 == pytest.approx(metrics.f1_score(truth, guess, average="macro"))
    assert found.confusion[:-1, :-1].tolist() == metrics.confusion_matrix(truth, guess).tolist()
    assert found.log_loss == pytest.approx(metrics.log_loss(truth, shares, labels=range(count + 1)))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, guess)
    for number, row in enumerate(found.rows[:-1]):
        assert (row.precision, row.recall, row.f1) == pytest.approx((precision[number], recall[number], f1[number]))
        assert row.texts == support[number]


def test_several_labels_a_text_agree_with_scikit_learn():
    from sklearn import metrics

    draw = np.random.default_rng(1)
    truth = draw.random((200, 4)) < [0.5, 0.2, 0.7, 0.4]
    logits = draw.normal(0, 2, (200, 4)) + 2 * truth - 1
    found = measure(logits, truth, tuple("abcd"))
    guess, shares = logits >= 0, 1 / (1 + np.exp(-logits))
    assert found.accuracy == metrics.accuracy_score(truth, guess)
    assert found.macro_f1 == pytest.approx(metrics.f1_score(truth, guess, average="macro"))
    assert found.micro_f1 == pytest.approx(metrics.f1_score(truth, guess, average="micro"))
    assert found.confusion.tolist() == metrics.multilabel_confusion_matrix(truth, guess).tolist()
    each = [metrics.log_loss(truth[:, label], shares[:, label]) for label in range(4)]
    assert found.log_loss == pytest.approx(sum(each))
    assert sum(row.answers for row in found.bins) == 800
    from sklearn.calibration import calibration_curve

    true, mean = calibration_curve(truth.ravel(), shares.ravel(), n_bins=10)
    assert [row.accuracy for row in found.bins] == pytest.approx(true.tolist())
    assert [row.confidence for row in found.bins] == pytest.approx(mean.tolist())


def test_extreme_logits_give_finite_figures():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure(np.array([[1e4, -1e4], [1e4, -1e4]]), np.array([0, 1]), ("a", "b"))
        assert found.log_loss == 1e4 and found.accuracy == 0.5 and found.ece == 0.5
        several = measure(np.array([[1e4, -1e4]]), np.array([[True, True]]), ("a", "b"))
        assert several.log_loss == 1e4 and several.macro_f1 == 0.5
        assert measure(np.array([[-1.0]]), np.array([[False]]), ("a",)).macro_f1 == 1


def test_labels_become_places():
    assert truth_of(["b", "a", "b"], ["a", "b"], False).tolist() == [1, 0, 1]
    assert truth_of([1, 0], ["0", "1"], False).tolist() == [1, 0]
    assert truth_of([("a", "b"), (), "b"], ["a", "b"], True).tolist() == [[True, True], [False, False], [False, True]]
    assert renamed(["0", "x", 1], {"0": "no", "1": "yes"}) == ["no", "x", "yes"]
    assert renamed([("0", "x"), ()], {"0": "no"}) == [("no", "x"), ()]
    with pytest.raises(
        InputError, match=r"^d.csv has labels that the model does not: '2'; the model's are 'a', 'b' \("
    ):
        truth_of(["a", "2"], ["a", "b"], False, "d.csv")
    with pytest.raises(InputError, match="d.csv has several labels a text; the model gives one"):
        truth_of([("a", "b")], ["a", "b"], False, "d.csv")


def test_thresholds_and_the_k_likeliest():
    logits = np.array([[4, 0, 0, -1], [0.1, 1, 0, 0.5], [-1, 0, 0.2, 0.1], [0.3, 0.1, 0.2, 3.0]])
    found = measure(logits, np.array([0, 3, 2, 1]), ("a", "b", "c", "d"))
    chances = np.exp(logits).max(1) / np.exp(logits).sum(1)
    for entry in found.thresholds:
        sure = chances >= entry.least
        assert entry.answers == sure.sum()
        assert entry.accuracy == pytest.approx(np.array([1, 0, 1, 0])[sure].mean())
    assert found.top_k == {2: 0.75, 3: 0.75}
    assert found.as_dict()["thresholds"][0]["at_least"] == 0.5 and list(found.as_dict()["top_k"]) == ["2", "3"]
    table = evaluation_table(found)
    assert "top-2" in table and "--unsure" in table
    several = measure(logits, logits > 0.5, ("a", "b", "c", "d"))
    assert several.thresholds == () and several.top_k == {} and "--unsure" not in evaluation_table(several)
    assert measure(logits[:, :2], np.array([0, 1, 0, 1]), ("a", "b")).top_k == {}


def test_what_cannot_be_evaluated_is_refused():
    classifier = Classifier(random_model())
    with pytest.raises(InputError, match="the data: there is no text to evaluate on"):
        evaluate(classifier, [], [])
    with pytest.raises(InputError, match="there are 2 texts and 1 labels"):
        evaluate(classifier, ["a", "b"], ["positive"])
    with pytest.raises(UsageError, match=r"`bins` \(=0\) must be a whole number from 1 to"):
        evaluate(classifier, ["a"], ["positive"], bins=0)
    with pytest.raises(UsageError, match="must be a whole number from 1 to 1000000"):
        evaluate(classifier, ["a"], ["positive"], bins=10**19)


def test_a_model_on_texts(monkeypatch):
    """The figures of all texts in parts of three are those of the answers one by one."""
    monkeypatch.setattr("casecnn.text.report.evaluation.BATCH", 3)
    classifier = Classifier(random_model(words=30))
    draw = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in draw.integers(0, 30, draw.integers(0, 8))) for _ in range(20)]
    labels = [("negative", "positive")[n] for n in draw.integers(0, 2, 20)]
    found = evaluate(classifier, texts, labels)
    answers = classifier.classify(texts)
    assert found.accuracy == sum(a.label == label for a, label in zip(answers, labels, strict=True)) / 20
    assert found.without_known_words == sum(text == "" for text in texts) > 0


def test_the_table():
    blocks = evaluation_table(by_hand()).split("\n\n")
    assert "accuracy          50.00 % +- 25.00 (standard error)" in blocks[0]
    assert "texts             4, 1 of them without a known word" in blocks[0]
    assert blocks[1].splitlines()[-1].split() == ["perhaps", "1", "0", "-", "0.00", "0.00"]
    assert [line.split() for line in blocks[2].splitlines()[1:]] == [
        ["no", "yes", "perhaps"], ["no", "1", "1", "0"], ["yes", "0", "1", "0"], ["perhaps", "1", "0", "0"],
    ]  # fmt: skip
    assert [line.split()[:4] for line in blocks[3].splitlines()[1:]] == [
        ["0.50", "-", "0.60", "1"], ["0.60", "-", "0.70", "2"], ["0.90", "-", "1.00", "1"],
    ]  # fmt: skip


def test_many_labels_are_shown_by_their_confusions():
    draw = np.random.default_rng(0)
    names = tuple(f"l{number}" for number in range(30))
    found = measure(draw.normal(size=(500, 30)), draw.integers(0, 30, 500), names)
    block = evaluation_table(found).split("\n\n")[2].splitlines()
    count, true, given = re.fullmatch(r" +(\d+)  l(\d+) taken for l(\d+)", block[1]).groups()
    confusion = found.confusion - np.diag(np.diag(found.confusion))
    assert int(count) == confusion.max() == found.confusion[int(true), int(given)] and len(block) == 21


# The command


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "mine.safetensors"
    random_model(vocabulary=["good", "bad", "film", "a"], cleaning="mr", seed=3).save(path)
    return path


def run(capsys, *arguments):
    capsys.readouterr()
    code = main(["text", "eval", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_the_command_on_a_table(model_file, tmp_path, capsys):
    data = tmp_path / "reviews.csv"
    data.write_text('label,text\npositive,"a good, film"\nnegative,a bad film\npositive,zzz\n')
    code, out, err = run(capsys, model_file, data, "--format", "json")
    figures = json.loads(out)
    found = evaluate(
        Classifier(str(model_file)), ["a good, film", "a bad film", "zzz"], ["positive", "negative", "positive"]
    )
    assert (code, err) == (0, "") and figures == {"model": str(model_file), "data": str(data), **found.as_dict()}
    assert figures["without_known_words"] == 1 and figures["texts"] == 3
    assert list(figures)[:6] == ["model", "data", "texts", "without_known_words", "accuracy", "standard_error"]
    code, out, err = run(capsys, model_file, data)
    assert (code, err) == (0, "") and out == evaluation_table(found) + "\n"


def test_labels_of_the_data_under_the_models_names(model_file, tmp_path, capsys):
    data = tmp_path / "rows.tsv"
    data.write_text("1\ta good film\n0\ta bad film\n")
    options = ["--no-header", "--text-column", "2", "--label-column", "1"]
    code, out, err = run(capsys, model_file, data, *options)
    assert (code, out) == (1, "") and "has labels that the model does not: '0', '1'; the model's are 'negative'" in err
    code, out, err = run(capsys, model_file, data, *options, "--rename", "1=positive", "--rename", "0=negative")
    assert (code, err) == (0, "")


def test_a_set_of_the_paper(model_file, tmp_path, capsys):
    (tmp_path / "custrev.all").write_text("1 good good film\n0 bad\n0 a bad film\n")
    code, out, err = run(capsys, model_file, tmp_path, "--set", "CR", "--format", "json")
    assert code == 0 and json.loads(out)["labels"]["negative"]["texts"] == 2


@pytest.mark.parametrize(
    ("arguments", "message", "wanted"),
    [
        (["none.csv"], "cannot read 'none.csv': there is no such file", 1),
        ([".", "--set", "XY"], "there is no data set 'XY'; choose from MR, ", 2),
        (
            ["data.csv", "--text-column", "words"],
            "'data.csv' has no column 'words'; its columns are 'text', 'label'",
            1,
        ),
        (["data.csv", "--bins", "0"], "`--bins` (=0) must be a whole number from 1 to 1000000", 2),
        (["data.csv", "--rename", "positive"], "`--rename` (=positive) must be OLD=NEW, such as 1=positive", 2),
        (["empty.csv"], "'empty.csv' is empty", 1),
        (["header.csv"], "'header.csv' has no rows", 1),
    ],
)
def test_wrong_use_is_one_line(arguments, message, wanted, model_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("text,label\na good film,positive\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("text,label\n")
    code, out, err = run(capsys, model_file, *arguments)
    assert (code, out, err.count("\n")) == (wanted, "", 1) and message in err

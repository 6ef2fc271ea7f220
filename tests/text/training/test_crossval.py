"""Cross-validation: every text is tested once, no test label is used, spreads by hand, processes, commands."""

import json
from dataclasses import replace
from statistics import stdev

import numpy as np
import pytest
from click.testing import CliRunner
from sentences import sentences, vectors

from casecnn.errors import UsageError
from casecnn.text.cli.cv import cv
from casecnn.text.cli.train import train
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor
from casecnn.text.training import crossval
from casecnn.text.training.crossval import Run, averaged, cross_validate, in_processes, summarise
from casecnn.text.training.recipe import PAPER

TEXTS, LABELS = sentences(90)
SMALL = replace(PAPER, windows=(2, 3), maps=6, batch_size=10, epochs=3, variant="static", filter_range=0.1)

pytestmark = pytest.mark.usefixtures("one_thread")


def run(seed, fold, accuracy):
    return Run(seed, fold, accuracy, accuracy / 2, 0.5, None, 3.0, 90, 10, 1.0)


@pytest.mark.slow
def test_every_text_is_tested_once_and_its_label_never_seen(monkeypatch):
    seen = []
    plain = crossval.fit

    def spy(texts, labels, *arguments, **options):
        seen.append((list(zip(texts, labels, strict=True)), sorted(options["other_texts"]), options["seed"]))
        return plain(texts, labels, *arguments, **options)

    monkeypatch.setattr(crossval, "fit", spy)
    heard = []
    runs = cross_validate(TEXTS, LABELS, SMALL, folds=3, vectors=[vectors()], device="cpu", done=heard.append)
    assert runs == heard and [(r.seed, r.fold, r.tested, r.texts) for r in runs] == [(0, n, 30, 54) for n in range(3)]
    everything = sorted(zip(TEXTS, LABELS, strict=True))
    assert sorted(text for _, test, _ in seen for text in test) == sorted(TEXTS)
    for rows, test, _ in seen:
        assert sorted(rows) == [row for row in everything if row in rows] and len(rows) == 60 and len(test) == 30
    assert len({seed for _, _, seed in seen}) == 3
    assert all(r.accuracy > 0.4 and r.dev_accuracy is not None for r in runs)


def test_seeds_and_folds_decide_the_figures():
    options = {"folds": 2, "vectors": [vectors()], "device": "cpu"}
    first = cross_validate(TEXTS, LABELS, SMALL, seeds=2, **options)
    again = cross_validate(TEXTS, LABELS, SMALL, seed=1, **options)
    assert [replace(r, seconds=0) for r in first[2:]] == [replace(r, seconds=0) for r in again]
    assert first[0].log_loss != first[2].log_loss
    with pytest.raises(UsageError, match=r"`seeds` \(=0\) must be a whole number from 1 to 10000"):
        cross_validate(TEXTS, LABELS, SMALL, seeds=0, **options)
    with pytest.raises(UsageError, match=r"`folds` \(=91\) must be from 2 to the number of texts \(90\)"):
        cross_validate(TEXTS, LABELS, SMALL, folds=91, vectors=[vectors()])


def test_spreads_by_hand():
    runs = [run(0, 0, 0.8), run(0, 1, 0.9), run(1, 0, 0.7), run(1, 1, 0.9)]
    found = summarise(runs)
    assert found.mean == pytest.approx(82.5) and found.means == pytest.approx((85, 80)) and found.runs == 4
    assert found.fold_sd == pytest.approx((stdev([80, 90]) + stdev([70, 90])) / 2)
    assert found.seed_sd == pytest.approx(stdev([85, 80])) and found.macro_f1 == pytest.approx(41.25)
    assert found.text() == "82.50 ± 10.61"
    single = summarise([run(0, 0, 0.9), run(1, 0, 0.8)])
    assert single.fold_sd == 0 and single.text() == "85.00 ± 7.07"
    assert summarise([run(3, 0, 0.5)]).seed_sd is None
    with pytest.raises(UsageError, match="there are no runs to summarise"):
        summarise([])


@pytest.mark.slow
def test_averaged_logits_have_the_mean_of_the_probabilities():
    logits = np.random.default_rng(0).normal(0, 5, (3, 20, 4)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    assert np.allclose(np.exp(averaged(list(logits))), shares.mean(0), atol=1e-6)
    chances = (1 / (1 + np.exp(-logits))).mean(0)
    assert np.allclose(1 / (1 + np.exp(-averaged(list(logits), multi_label=True))), chances, atol=1e-6)
    alone = logits[0]
    assert averaged([alone]) is alone


@pytest.mark.slow
def test_members_are_trained_apart(monkeypatch):
    seeds = []
    plain = crossval.fit

    def spy(*arguments, **options):
        seeds.append(options["seed"])
        return plain(*arguments, **options)

    monkeypatch.setattr(crossval, "fit", spy)
    parts = TEXTS[:60], LABELS[:60], TEXTS[60:], LABELS[60:], SMALL
    both = crossval.train_and_test(*parts, members=2, vectors=[vectors()], device="cpu")
    alone = crossval.train_and_test(*parts, vectors=[vectors()], device="cpu")
    assert seeds[0] != seeds[1] and seeds[2] == seeds[0]
    assert both.texts == alone.texts and both.log_loss != alone.log_loss
    with pytest.raises(UsageError, match="members"):
        crossval.train_and_test(*parts, members=0)


@pytest.mark.slow
def test_work_in_processes_is_the_same_work():
    tasks = [3.0, 1.0, 2.0]
    assert list(in_processes(pow, tasks, 2.0, 1)) == [9.0, 1.0, 4.0]
    assert sorted(in_processes(pow, tasks, 2.0, 2)) == [1.0, 4.0, 9.0]
    with pytest.raises(UsageError, match=r"`jobs` \(=0\) must be a whole number of at least 1"):
        list(in_processes(pow, tasks, 2.0, 0))


def table(path, texts=TEXTS, labels=LABELS):
    path.write_text("\n".join(["text,label", *(f"{t},{n}" for t, n in zip(texts, labels, strict=True))]))
    return str(path)


OPTIONS = ["--windows", "2,3", "--filters", "6", "--epochs", "2", "--device", "cpu", "--recipe", "paper"]


def test_the_cv_command(tmp_path):
    result = CliRunner().invoke(cv, [table(tmp_path / "d.csv"), "--folds", "2", *OPTIONS, "--format", "json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert len(found["runs"]) == 2 and found["summary"]["runs"] == 2
    assert found["summary"]["mean"] == pytest.approx(100 * np.mean([r["accuracy"] for r in found["runs"]]), abs=1e-3)
    shown = CliRunner().invoke(cv, [table(tmp_path / "d.csv"), "--folds", "2", "--seeds", "2", *OPTIONS])
    assert "over 2 folds" in shown.stdout and "repetitions: " in shown.stdout


def test_the_train_command(tmp_path):
    model = tmp_path / "m.safetensors"
    arguments = [table(tmp_path / "d.csv"), "-o", str(model), *OPTIONS, "--class-weight", "balanced"]
    result = CliRunner().invoke(train, [*arguments, "--store", "full", "--format", "json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["labels"] == ["negative", "positive"] and (found["texts"], found["held_out"]) == (81, 9)
    loaded = TextModel.load(model)
    assert loaded.windows == (2, 3) and loaded.maps == 12 and loaded.metadata["data"].endswith("d.csv")
    assert np.isfinite(Predictor(loaded).scores([["good"], []])).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "m.safetensors"]
    several = ["--multi-label", "--separator", "|", "--validation", arguments[0]]
    whole = CliRunner().invoke(
        train, [*arguments, "--validation-fraction", "0", "--least-steps", "10", "--format", "json"]
    )
    found = json.loads(whole.stdout)
    assert (found["texts"], found["held_out"], found["validation"]) == (90, 0, None)
    assert found["epoch"] == 5  # two batches of 50 an epoch
    again = CliRunner().invoke(train, [*arguments[:-2], *several])
    assert again.exit_code == 0 and "2 labels, 90 texts" in again.stdout and TextModel.load(model).multi_label


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--class-weight", "x"], r"`--class-weight` (=x) must be balanced, or LABEL=NUMBER such as rare=5"),
        (["--windows", "a"], r"`--windows` (=a) must be numbers such as 3,4,5"),
        (["--epochs", "0"], r"`--epochs` (=0) must be a whole number of at least 1"),
        (["--least-steps", "-1"], r"`--least-steps` (=-1) must be a whole number of at least 0"),
        (["--validation-fraction", "1"], r"`--validation-fraction` (=1.0) must be a number of at least 0 and below 1"),
        (["--variant", "static"], r"`--variant` (='static') needs word vectors"),
        (["--separator", "t"], "has texts with several labels, or none; give `--multi-label`"),
        (["-o", "."], "cannot write '.': it is a folder, not a file"),
        (["-o", "none/m"], "cannot write 'none/m': the folder 'none' does not exist; create it first"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(train, [table(tmp_path / "d.csv"), "-o", "m", *OPTIONS, *options])
    assert message in str(result.exception) and "\n" not in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]

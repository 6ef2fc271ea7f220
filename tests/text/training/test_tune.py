"""The search for settings: what it tries, what it keeps, when it ends; and the command."""

import json
from dataclasses import replace

import pytest
from sentences import sentences, vectors

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.text.model.model import TextModel
from casecnn.text.training import tune as module
from casecnn.text.training.crossval import Run
from casecnn.text.training.recipe import BEST, PAPER
from casecnn.text.training.tune import SPACE, tune

TEXTS, LABELS = sentences(60)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def trained(monkeypatch):
    """Trainings that take no time and are the better the more maps and the less dropout they have."""
    calls = []

    def fake(texts, labels, test_texts, test_labels, recipe, *, vectors=(), **options):
        calls.append((recipe, len(vectors), len(texts), sorted(test_texts), options))
        worth = recipe.maps / 1000 - recipe.dropout / 10 + (recipe.variant == "static") / 100 - len(vectors) / 1000
        return Run(0, 0, 0.5 + worth, 0.9 - worth, 0.5, None, 1.0, len(texts), len(test_texts), 0.1)

    monkeypatch.setattr(module, "train_and_test", fake)
    return calls


def test_it_finds_the_best_and_never_tries_the_same_twice(trained):
    heard = []
    found = tune(TEXTS, LABELS, replace(BEST, variant="rand"), 0.02, done=heard.append)
    assert (found.recipe.maps, found.recipe.dropout) == (300, 0.3) and found.vectors == ()
    assert found.best is max(found.trials, key=lambda trial: trial.accuracy) and tuple(heard) == found.trials
    assert found.trials[0].changes == {} and len({str(sorted(t.changes.items())) for t in found.trials}) == len(
        found.trials
    )
    assert all(set(trial.changes) <= set(SPACE) for trial in found.trials) and json.dumps(found.as_dict())
    assert "is flattered" in found.report() and found.tested == 3 * 12


def test_each_trial_is_measured_on_the_same_texts_that_it_does_not_train_on(trained):
    tune(TEXTS, LABELS, replace(BEST, variant="rand"), 0.001)
    parts = [tuple(call[3]) for call in trained[:3]]
    assert all([tuple(call[3]) for call in trained[at : at + 3]] == parts for at in range(0, len(trained), 3))
    assert all(texts == 48 for _, _, texts, _, _ in trained)
    trained.clear()
    given = ["one text"], ["neg"]
    tune(TEXTS, LABELS, replace(BEST, variant="rand"), 0.001, validation=given)
    assert all(test == ["one text"] and texts == 60 for _, _, texts, test, _ in trained)


def test_what_is_to_be_kept_is_kept(trained):
    found = tune(TEXTS, LABELS, replace(BEST, variant="rand"), 0.005, keep=("maps", "windows", "dropout", "lr"))
    assert found.recipe.maps == BEST.maps and {len(trial.changes) for trial in found.trials} <= {0, 1}
    assert len(found.trials) == 3  # batch sizes; then nothing is left, before the time


def test_with_vectors_the_variant_and_which_of_them(trained):
    both = [vectors(), vectors()]
    found = tune(TEXTS, LABELS, replace(PAPER, variant="non-static"), 0.05, vectors=both, keep=SPACE)
    assert found.recipe.variant == "static" and found.vectors in ((0,), (1,))
    assert {trial.changes.get("vectors") for trial in found.trials} == {None, (0,), (1,)}


def test_by_macro_f1_where_classes_are_weighed(trained):
    found = tune(TEXTS, LABELS, replace(BEST, variant="rand"), 0.02, class_weight="balanced")
    assert (found.recipe.maps, found.recipe.dropout) == (50, 0.7)


def test_one_trial_at_least_and_no_more_than_there_is_time(trained, monkeypatch):
    clock = iter(range(0, 100_000, 20))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    assert len(tune(TEXTS, LABELS, replace(BEST, variant="rand"), 0.1).trials) == 1
    assert 2 <= len(tune(TEXTS, LABELS, replace(BEST, variant="rand"), 3).trials) <= 4
    with pytest.raises(UsageError, match=r"^`tune` \(=0\)"):
        tune(TEXTS, LABELS, BEST, 0)


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    data = tmp_path / "rows.tsv"
    data.write_text("text\tlabel\n" + "".join(f"{t}\t{k}\n" for t, k in zip(TEXTS, LABELS, strict=True)))
    command = [
        "text",
        "train",
        str(data),
        "-o",
        str(tmp_path / "m.safetensors"),
        "--tune",
        "0.0001",
        "--format",
        "json",
    ]
    assert main([*command, "--epochs", "1", "--filters", "5"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert len(found["tuned"]["trials"]) == 1 and found["tuned"]["best"]["changes"] == {}
    assert "as they are" in err and "best of 1 settings on 36 held-out texts" in err
    assert TextModel.load(tmp_path / "m.safetensors").maps == 15
    for options, message in (
        (["--init", "sentiment"], "`--tune` and `--init` cannot be given together"),
        (["--tune", "-1"], "`--tune` (=-1"),
    ):
        assert main([*command, *options]) == 2
        assert message in capsys.readouterr().err

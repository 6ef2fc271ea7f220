"""Training that goes on from a model: a second `fit`, `--init`, and what does not fit together."""

import dataclasses
import json

import numpy as np
import pytest
from random_models import random_model

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.text.estimator import EstimatorError, SentenceCNN
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor
from casecnn.text.training.recipe import PAPER, recipe_of
from casecnn.text.training.trainer import fit

WORDS = ("a", "good", "bad", "film")
TEXTS, LABELS = ["good film", "bad film", "a good one", "a bad one"] * 5, ["yes", "no"] * 10
STILL = dataclasses.replace(PAPER, lr=1e-12, max_norm=None, dev_share=0.0, epochs=1, dropout=0.0)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def start():
    made = random_model(vocabulary=WORDS, labels=("no", "yes"), dim=5, maps=4, cleaning="folded")
    return dataclasses.replace(made, part=9, spelling=True)


def test_without_steps_worth_speaking_of_it_is_the_model_that_it_was(start):
    """Also with labels in another order, new ones among them, and with words that it did not know."""
    made = fit(
        TEXTS, LABELS, recipe_of(start, STILL), initial=start, progress=False, classes=["yes", "maybe", "no"]
    ).model
    assert (made.part, made.spelling, made.windows) == (9, True, start.windows) and {*WORDS, "one"} <= set(made.words)
    sentences = [["good", "film"], ["a", "bad", "bad"], []]
    found, wanted = Predictor(made).scores(sentences), Predictor(start).scores(sentences)
    assert np.allclose(found[:, [2, 0]], wanted, atol=1e-5) and np.abs(found[:, 1]).max() < 1e-6


@pytest.mark.parametrize("channels", [1, 2])
def test_it_learns_on(start, channels):
    start = random_model(vocabulary=WORDS, labels=("no", "yes"), dim=5, maps=4, cleaning="folded", channels=channels)
    recipe = recipe_of(start, dataclasses.replace(PAPER, dev_share=0.0, epochs=40))
    assert recipe.variant == ("non-static" if channels == 1 else "multichannel")
    made = fit(TEXTS, LABELS, recipe, initial=start, progress=False).model
    assert [made.labels[place] for place in Predictor(made).scores([t.split() for t in TEXTS]).argmax(1)] == LABELS
    assert len(made.embeddings) == channels
    if channels == 2:  # the first one is frozen
        rows = [made.rows[word] for word in WORDS], [start.rows[word] for word in WORDS]
        assert np.array_equal(made.embeddings[0][rows[0]], start.embeddings[0][rows[1]])


def test_another_net_is_refused(start):
    for name, value in (("windows", (2, 3)), ("maps", 9), ("cleaning", "mr"), ("activation", "tanh")):
        recipe = recipe_of(start, STILL, **{name: value})
        with pytest.raises(UsageError, match=rf"^`{name}` \(=.*\) must be that of the model to go on from, "):
            fit(TEXTS, LABELS, recipe, initial=start, progress=False)
    uneven = dict(start.filters) | {3: tuple(part[:2] for part in start.filters[3])}
    other = dataclasses.replace(start, filters=uneven, output_weight=np.zeros((2, 10)))
    with pytest.raises(UsageError, match="cannot be trained on"):
        recipe_of(other, STILL)


def test_the_estimator_goes_on_where_it_was():
    cnn = SentenceCNN(epochs=3, maps=4, settings={"dim": 6}, random_state=0, dev_share=0.0, warm_start=True)
    words = set(cnn.fit(TEXTS, LABELS).model_.words)
    before = cnn.model_
    cnn.set_params(settings={"dim": 6, "lr": 1e-12}, dropout=0.0).fit([*TEXTS, "what a dull story"], [*LABELS, "no"])
    assert words < set(cnn.model_.words)
    assert np.allclose(cnn.model_.output_weight, before.output_weight, atol=1e-5)
    fresh = cnn.set_params(warm_start=False).fit(TEXTS, LABELS).model_
    assert not np.allclose(fresh.output_weight, before.output_weight, atol=1e-3)


@pytest.mark.slow
def test_the_command(tmp_path, start, capsys):
    start.save(tmp_path / "start.safetensors")
    data = tmp_path / "rows.tsv"
    data.write_text("text\tlabel\n" + "".join(f"{t}\t{k}\n" for t, k in zip(TEXTS, LABELS, strict=True)))
    command = ["text", "train", str(data), "-o", str(tmp_path / "m.safetensors"), "--epochs", "2", "--format", "json"]
    given = [*command, "--init", str(tmp_path / "start.safetensors")]
    assert main(given) == 0 and json.loads(capsys.readouterr().out)["labels"] == ["no", "yes"]
    made = TextModel.load(tmp_path / "m.safetensors")
    assert (made.windows, made.maps, made.part) == (start.windows, start.maps, 9)
    assert main([*given, "--windows", "2"]) == 2
    assert "`--windows` (=(2,)) must be that of the model to go on from, (3, 4, 5)" in capsys.readouterr().err
    assert main([*command, "--init", "sentimnt"]) == 2 and "did you mean sentiment" in capsys.readouterr().err
    assert main([*command, "--init", str(tmp_path / "m.safetensors")]) == 2  # what is read is not written over
    assert capsys.readouterr().err.count("\n") == 1


def test_a_warm_start_with_other_texts_says_what_is_wrong():
    cnn = SentenceCNN(epochs=1, maps=4, settings={"dim": 6}, random_state=0, dev_share=0.0, warm_start=True).fit(
        TEXTS, LABELS
    )
    with pytest.raises(EstimatorError, match="all texts have the label"):
        cnn.fit(["good"] * 3, ["yes"] * 3)

"""Words that a model does not know, from their n-grams of characters; and what a model makes of them."""

import dataclasses

import numpy as np
import pytest
from random_models import random_model

from casecnn.errors import InputError, UsageError
from casecnn.text.model.classify import Classifier
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor
from casecnn.text.words.subwords import fitted, rows_of, vector_of
from casecnn.text.words.vectors import WordVectors

WORDS = ("walk", "walked", "talk", "talked", "jump", "jumping", "walking", "plain", ",")


@pytest.fixture
def model():
    made = random_model(vocabulary=WORDS, dim=5, maps=4, channels=2)
    return dataclasses.replace(made, subwords=np.random.default_rng(1).normal(size=(50, 5)))


def test_n_grams_by_hand():
    assert len(rows_of("cats", 1 << 20)) == len({*rows_of("cats", 1 << 20)}) == 4 + 3 + 2
    assert rows_of("at", 999) == rows_of("at", 999)[:3] and len(rows_of("at", 999)) == 2 + 1  # <at at> <at>
    assert set(rows_of("cats", 7)) <= set(range(7))
    assert rows_of("", 9) == rows_of("12.5", 9) == rows_of("!?", 9) == []
    assert rows_of("\ud800a", 9) and rows_of("電影", 9)
    assert len(rows_of("a" * 1_000_000, 9)) < 130


def test_a_fit_finds_vectors_that_are_means_of_n_grams():
    draw = np.random.default_rng(0)
    words = ["".join(draw.choice(list("abcde"), draw.integers(3, 9))) for _ in range(4000)]
    table = draw.normal(size=(60, 8)).astype(np.float32)
    matrix = np.stack([vector_of(word, table) for word in words])
    found = fitted(words[500:], matrix[500:], 60, ridge=1e-3)
    assert np.abs(np.stack([vector_of(word, found) for word in words[:500]]) - matrix[:500]).max() < 0.02


def test_a_new_form_is_like_the_forms_that_are_known():
    draw = np.random.default_rng(0)
    stems = [
        "".join(draw.choice(list("bcdfghklmnprst" if n % 2 else "aeiou"), 1)[0] for n in range(6)) for _ in range(80)
    ]
    own = {stem: draw.normal(size=20) for stem in stems}
    words = [stem + ending for stem in stems for ending in ("", "s", "ed")]
    table = fitted(words, np.stack([own[word[:6]] for word in words]), 2000)
    found = np.stack([vector_of(stem + "ing", table) for stem in stems])
    alike = found @ np.stack(list(own.values())).T
    assert (alike.argmax(axis=1) == np.arange(80)).mean() > 0.9


def test_nothing_to_fit_is_zeros_and_rows_are_checked():
    assert not fitted(["1", "?"], np.ones((2, 3), np.float32), 4).any()
    for rows in (0, (1 << 20) + 1, 2.5):
        with pytest.raises(UsageError, match=r"^`subwords` \("):
            fitted(["word"], np.ones((1, 3), np.float32), rows)


def test_a_model_reads_new_words_by_their_n_grams(model):
    """As if the vector had stood in the vocabulary, in both channels; a word without letters stays unknown."""
    vector = vector_of("walks", model.subwords)
    more = dataclasses.replace(
        model,
        words=(*WORDS, "walks"),
        embeddings=tuple(np.vstack([c, vector]) for c in model.embeddings),
        subwords=None,
    )
    text = ["walk", "walks", ",", "77"]
    found, wanted = Predictor(model).read([text]), Predictor(more).read([text])
    assert np.allclose(found.logits, wanted.logits, atol=1e-5)
    assert found.known_words[0] == 1 and wanted.known_words[0] == 2  # what is made of n-grams is not known
    assert not np.allclose(found.logits, Predictor(dataclasses.replace(model, subwords=None)).scores([text]))
    several = Predictor(model).scores([["jumps"], text, ["new", "walks"]])
    assert np.array_equal(several[1], found.logits[0])  # whatever stands beside it


def test_vectors_come_before_spelling_and_spelling_before_n_grams(model):
    spelled = dataclasses.replace(model, spelling=True)
    assert np.array_equal(Predictor(spelled).scores([["wlaking"]]), Predictor(model).scores([["walking"]]))
    given = WordVectors(("wlaking",), np.full((1, 5), 0.7, np.float32))
    assert not np.array_equal(Predictor(spelled, given).scores([["wlaking"]]), Predictor(spelled).scores([["wlaking"]]))
    both = Predictor(spelled, given).read([["wlaking", "talkative"]])
    assert both.known_words[0] == 1
    assert not np.allclose(
        both.logits, Predictor(dataclasses.replace(spelled, subwords=None), given).scores([["wlaking", "talkative"]])
    )


@pytest.mark.parametrize(("precision", "close"), [("full", 0), ("half", 1e-2), ("int8", 5e-2)])
def test_n_grams_are_saved_and_loaded(tmp_path, model, precision, close):
    model.save(tmp_path / "m.safetensors", precision)
    again = TextModel.load(tmp_path / "m.safetensors")
    assert np.abs(again.subwords - model.subwords).max() <= close and again.parameters == model.parameters
    plain = dataclasses.replace(model, subwords=None)
    plain.save(tmp_path / "p.safetensors")
    assert TextModel.load(tmp_path / "p.safetensors").subwords is None
    assert Classifier(again).classify(["talker"])[0].known_words == 0


def test_a_table_of_another_shape_is_refused(model):
    for wrong in (np.zeros((3, 4)), np.zeros(5), np.zeros((0, 5)), np.full((2, 5), np.nan)):
        with pytest.raises(InputError, match="^not a text model: 'subwords'"):
            dataclasses.replace(model, subwords=wrong)

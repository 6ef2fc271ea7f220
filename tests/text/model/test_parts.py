"""Long texts, read in parts: their logits are the means of the parts', and the explanation still adds up."""

import dataclasses

import numpy as np
import pytest
from random_models import random_model

from casecnn.errors import InputError
from casecnn.text.model.explain import explain
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor

WORDS = tuple("a good bad film dull fine plot of the and".split())


@pytest.fixture
def model():
    return dataclasses.replace(random_model(vocabulary=WORDS, dim=4, maps=3), part=6)


def text(length, seed=0):
    return np.random.default_rng(seed).choice(WORDS, length).tolist()


@pytest.mark.parametrize(
    ("words", "places"),
    [(0, [0, 0]), (1, [0, 1]), (6, [0, 6]), (7, [0, 3, 7]), (12, [0, 6, 12]), (20, [0, 5, 10, 15, 20])],
)
def test_parts_are_of_about_equal_length(model, words, places):
    assert model.parts(words) == places
    assert dataclasses.replace(model, part=None).parts(words) == [0, words]


def test_the_logits_of_a_long_text_are_the_means_of_its_parts(model):
    whole = dataclasses.replace(model, part=None)
    texts = [text(n, n) for n in (0, 3, 6, 7, 13, 40)]
    found = Predictor(model).read(texts)
    for words, logits, known in zip(texts, found.logits, found.known_words, strict=True):
        places = model.parts(len(words))
        parts = [words[a:b] for a, b in zip(places, places[1:], strict=False)]
        wanted = Predictor(whole).read(parts)
        assert logits == pytest.approx(wanted.logits.mean(0), abs=1e-6) and known == wanted.known_words.sum()
    assert np.array_equal(
        Predictor(model).scores(texts[3:4])[0], found.logits[3]
    )  # alone or among others: the same bits


def test_max_length_cuts_before_the_parts(model):
    short = dataclasses.replace(model, max_length=8)
    words = text(30)
    assert np.array_equal(Predictor(short).scores([words]), Predictor(model).scores([words[:8]]))


@pytest.mark.parametrize("length", [0, 4, 7, 25])
def test_the_explanation_of_a_long_text_adds_up(model, length):
    words = text(length, 5)
    predictor = Predictor(model)
    found = explain(predictor, words)
    total = sum(piece.contributions for piece in found.evidence)
    assert total == pytest.approx(predictor.scores([words])[0], abs=1e-5)
    assert np.array_equal(found.logits, predictor.scores([words])[0]) and found.words == tuple(words)
    places = model.parts(length)
    for piece in found.evidence:
        if piece.part == "words":  # no n-gram goes over the end of a part
            assert any(a <= piece.start < piece.end <= b for a, b in zip(places, places[1:], strict=False))


def test_the_file_keeps_the_parts(model, tmp_path):
    model.save(tmp_path / "m")
    assert TextModel.load(tmp_path / "m").part == 6
    with pytest.raises(InputError, match=r"part \(=0\) must be a whole number of at least 1, or none"):
        dataclasses.replace(model, part=0)

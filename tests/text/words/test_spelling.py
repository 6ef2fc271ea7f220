"""Mistyped words, and what a model makes of them."""

import dataclasses

import numpy as np
import pytest
from random_models import random_model

from casecnn.text.model.classify import Classifier
from casecnn.text.model.model import TextModel
from casecnn.text.words.spelling import Speller, edits

WORDS = ("so", "the", "terrible", "good", "definitely", "disappointed", "awesome", "terribly", "immediately", "love")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("terible", "terrible"), ("terribel", "terrible"), ("terrrrrible", "terrible"), ("definately", "definitely"),
        ("dissapointed", "disappointed"), ("awsome", "awesome"), ("imediately", "immediately"), ("sooooo", "so"),
        ("gooood", "good"), ("loooove", "love"), ("imediatly", "immediately"),
        ("god", "good"), ("lov", "love"), ("lvoe", "love"), ("goood", "good"),
        ("lofe", None), ("loves", "love"), ("xerrible", None), ("zzz", None),
        ("caf\xe9s", None), ("", None), ("9", None),
    ],
)  # fmt: skip
def test_the_word_that_is_meant(typed, meant):
    assert Speller(WORDS).nearest(typed) == meant


def test_of_several_words_the_more_frequent_counts():
    assert Speller(("boring", "boxing")).nearest("boding") == "boring"
    assert Speller(("boxing", "boring")).nearest("boding") == "boxing"


def test_the_likelier_edit_counts():
    """Two letters that changed places are likelier than one for another, a doubled one than a lost one beside it."""
    common = ["worst", *(f"w{letter}ll" for letter in "abcdefgh"), "worth", "guess", "guys"]
    assert Speller(common).nearest("worht") == "worth" and Speller(common).nearest("guyys") == "guys"


def test_a_short_word_is_meant_to_be_a_common_one():
    rare = [f"{a}{b}cde" for a in "abcdefghij" for b in "abcdefghijklmnopqrstuvwxyz" for _ in range(12)]
    words = [*(f"{word}{n:c}{m:c}" for word in rare[::12] for n in range(97, 109) for m in range(97, 98)), "seven"]
    assert len(words) > 3000 and Speller(words).nearest("sevn") is None
    assert Speller(["seven", *words[:-1]]).nearest("sevn") == "seven"


def test_one_edit_is_one_edit():
    found = {form for form, _ in edits("abc")}
    assert {"abbc", "ac", "ab", "acb", "axc", "abcz"} <= found and "bac" not in found and "xbc" not in found


def test_a_model_reads_mistyped_words(tmp_path):
    model = random_model(vocabulary=WORDS, dim=4, maps=3)
    spelling = dataclasses.replace(model, spelling=True)
    right, wrong, plain = ["terrible", "love"], ["terible", "love"], ["zzzzz", "love"]
    first = Classifier(spelling).predictor.read([right, wrong, plain, wrong])
    assert np.array_equal(first.logits[0], first.logits[1]) and np.array_equal(first.logits[1], first.logits[3])
    assert not np.array_equal(first.logits[0], first.logits[2]) and first.known_words.tolist() == [2, 2, 1, 2]
    without = Classifier(model).predictor.read([wrong, plain])
    assert np.array_equal(without.logits[0], without.logits[1]) and without.known_words.tolist() == [1, 1]
    spelling.save(tmp_path / "m")
    assert TextModel.load(tmp_path / "m").spelling
    model.save(tmp_path / "n")
    assert not TextModel.load(tmp_path / "n").spelling

"""A smaller file of a model: its words, the others by their letters; and the command."""

import dataclasses
import json
import os

import numpy as np
import pytest
from random_models import random_model

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor
from casecnn.text.model.shrink import shrunk

WORDS = tuple(
    f"{stem}{ending}" for ending in ("", "s", "ed", "ing") for stem in ("walk", "talk", "jump", "park", "call")
)


@pytest.fixture
def model():
    """A model whose forms of a word have vectors that are nearly the same."""
    made = random_model(vocabulary=WORDS, dim=12, maps=5)
    tables = tuple(channel.copy() for channel in made.embeddings)
    for table in tables:
        for row in range(7, len(table)):
            table[row] = table[2 + (row - 2) % 5] + 0.01 * table[row]
    return dataclasses.replace(made, embeddings=tables)


def test_the_words_that_stay_say_what_they_said(model):
    small = shrunk(model, 5)
    assert small.words == WORDS[:5] and small.subwords is None and small.parameters == model.parameters - 15 * 12
    kept = [["walk", "talk"], ["call", "never", "park"]]
    assert np.array_equal(Predictor(small).scores(kept), Predictor(model).scores(kept))
    gone = Predictor(small).read([["walks", "talked"]])
    assert gone.known_words[0] == 0 and np.array_equal(gone.logits, Predictor(model).scores([["x", "y"]]))
    assert shrunk(model, 10**6).words == WORDS


def test_words_that_are_left_out_are_read_by_their_letters(model):
    texts = [[word] for word in WORDS[5:]]
    wanted = Predictor(model).scores(texts)
    error = {rows: np.abs(Predictor(shrunk(model, 5, rows)).scores(texts) - wanted).mean() for rows in (0, 400)}
    assert error[400] < error[0] / 2


def test_numbers_out_of_range_are_refused(model):
    for words, rows, name in ((0, 0, "words"), (2, -1, "subwords"), (2, 1 << 21, "subwords")):
        with pytest.raises(UsageError, match=rf"^`{name}` \("):
            shrunk(model, words, rows)


def test_the_command(tmp_path, model, capsys):
    file, out = tmp_path / "m.safetensors", tmp_path / "small.safetensors"
    model.save(file)
    command = ["text", "shrink", str(file), "-o", str(out)]
    assert main([*command, "--words", "5", "--subwords", "64", "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == {"model": str(out), "words": 5, "subwords": 64, "bytes": os.path.getsize(out)}
    made = TextModel.load(out)
    assert made.words == WORDS[:5] and made.subwords.shape == (64, 12)
    assert main(command) == 0 and "20 of 20 words, 0.0 MB" in capsys.readouterr().out
    for wrong, code in (
        ([*command, "--words", "0"], 2),
        ([*command[:-1], str(file)], 2),
        (["text", "shrink", "x", "-o", "y"], 2),
    ):
        assert main(wrong) == code
        told = capsys.readouterr()
        assert told.out == "" and told.err.count("\n") == 1

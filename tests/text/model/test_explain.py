"""Evidence: the terms of the logits, where they come from, and that nothing is missing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import judged, random_model

from casecnn.text.model.explain import Evidence, Explanation, explain, support
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor
from casecnn.text.report.highlight import evidence_table, highlighted, shown, strongest_labels


def by_hand() -> TextModel:
    """Two maps of a window of two words, one number a word: one sees good after not, the other sees bad."""
    vectors = np.array([[0.0], [0], [1], [3], [-2]])  # pad, unknown, not, good, bad
    return TextModel(
        labels=("no", "yes"), words=("not", "good", "bad"), embeddings=(vectors,), pad=1, cleaning="none",
        filters={2: (np.array([[[[2.0], [1]]], [[[0.0], [-1]]]]), np.array([0.5, 0]))},
        output_weight=np.array([[2.0, 1], [-1, 0.5]]), output_bias=np.array([0.25, -0.25]),
    )  # fmt: skip


def test_evidence_by_hand():
    """pad not good x bad pad: map 1 sees 1, 5, 6, -2, -4 (+.5); map 2 sees -1, -3, 0, 2, 0."""
    found = explain(Predictor(by_hand()), ["not", "good", "x", "bad"])
    rows = [(piece.part, found.ngram(piece), piece.start, piece.end, piece.maps) for piece in found.evidence]
    assert rows == [("words", "good x", 1, 3, 1), ("words", "x bad", 2, 4, 1), ("bias", "", 0, 0, 0)]
    assert [piece.contributions.tolist() for piece in found.evidence] == [[13, -6.5], [2, 1], [0.25, -0.25]]
    assert found.logits.tolist() == [15.25, -5.75]


def test_a_sentence_of_nothing_has_padding_and_bias():
    found = explain(Predictor(by_hand()), [])
    assert [(piece.part, piece.maps, piece.contributions.tolist()) for piece in found.evidence] == [
        ("padding", 1, [1, -0.5]),
        ("bias", 0, [0.25, -0.25]),
    ]
    assert found.logits.tolist() == [1.25, -0.75]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 45).map("w{}".format), max_size=40),
    st.sampled_from(["relu", "tanh", "none", "sigmoid"]),
    st.sampled_from([0, 2, 4]),
    st.sampled_from([None, 4]),
    st.integers(1, 5),
)
def test_contributions_add_up_to_the_logits(words, activation, pad, max_length, labels):
    """Those of the core's reference, for every label; and every map is in one piece, or has the value 0."""
    names = tuple(f"l{number}" for number in range(labels))
    model = random_model(
        activation=activation, pad=pad, max_length=max_length, labels=names, multi_label=labels == 1, maps=4
    )
    found = explain(Predictor(model), words)
    total = sum(piece.contributions for piece in found.evidence)
    assert np.abs(total - judged(model, words)).max() < 1e-5
    assert np.abs(total - found.logits).max() < 1e-5
    peaks = Predictor(model).peaks(words[:max_length])
    assert sum(piece.maps for piece in found.evidence) == np.count_nonzero(peaks.values)
    assert found.evidence[-1].part == "bias" and found.words == tuple(words[:max_length])
    for piece in found.evidence:
        inside = 0 <= piece.start < piece.end <= len(found.words)
        assert inside if piece.part == "words" else piece.start == piece.end == 0
        assert piece.end - piece.start <= max(model.windows)
    spans = [(piece.part, piece.start, piece.end) for piece in found.evidence]
    assert len(set(spans)) == len(spans)


def test_an_ngram_is_where_the_weight_is():
    """Without the n-gram that decided, the map's value falls: the evidence names the right words."""
    model = random_model(words=200, maps=1, windows=(3,), seed=4)
    predictor = Predictor(model)
    sentence = [f"w{number}" for number in range(0, 60, 2)]
    (piece,) = [piece for piece in explain(predictor, sentence).evidence if piece.part == "words"]
    before = predictor.peaks(sentence).values[0]
    for place in range(len(sentence)):
        changed = [*sentence[:place], "unseen", *sentence[place + 1 :]]
        after = predictor.peaks(changed).values[0]
        assert (after != before) == (piece.start <= place < piece.end)


def test_support_is_what_softmax_sees():
    assert support(np.array([3.0, 1, -1])).tolist() == [2, 0, -2]
    assert support(np.array([3.0])).tolist() == [3]


def test_the_evidence_as_data():
    assert explain(Predictor(by_hand()), ["not", "good", "x", "bad"]).as_list() == [
        {"part": "words", "ngram": "good x", "start": 1, "end": 3, "contributions": {"no": 13.0, "yes": -6.5}},
        {"part": "words", "ngram": "x bad", "start": 2, "end": 4, "contributions": {"no": 2.0, "yes": 1.0}},
        {"part": "bias", "ngram": "", "start": None, "end": None, "contributions": {"no": 0.25, "yes": -0.25}},
    ]


def test_word_weights_share_the_support_of_their_ngrams():
    """Support for "no": good x 9.75, x bad 0.5, halved among two words each."""
    found = explain(Predictor(by_hand()), ["not", "good", "x", "bad"])
    assert found.weights(0).tolist() == [0, 4.875, 5.125, 0.25]
    assert found.weights(1).tolist() == [0, -4.875, -5.125, -0.25]


def test_the_marked_sentence():
    found = explain(Predictor(by_hand()), ["not", "good", "x", "bad"])
    assert highlighted(found, 0) == "not [good] [x] bad"
    assert highlighted(found, 1) == "not {good} {x} bad"
    coloured = highlighted(found, 0, colour=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == "not good x bad"
    assert coloured.count("\x1b[30;48;5;120m") == 2 and coloured.count("\x1b[0m") == 2
    assert "48;5;210" in highlighted(found, 1, colour=True)
    assert highlighted(explain(Predictor(by_hand()), []), 0) == ""


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [(2, 2, "u u [good] [bad] u u"), (30, 0, "… u u u [good] [bad]"), (0, 30, "[good] [bad] u u u …"),
     (4, 4, "u u u u [good] [bad] u u u u")],
)  # fmt: skip
def test_long_runs_of_words_that_do_not_count_are_cut(before, after, shown):
    """The second word is the one that the second map saw: 2 * 3 - 2 for the first."""
    found = explain(Predictor(by_hand()), [*["u"] * before, "good", "bad", *["u"] * after])
    assert highlighted(found, 0) == shown


def test_a_run_between_two_marked_words_is_cut_in_its_middle():
    ends = [Evidence("words", place, place + 1, 1, np.array([1.0, -1])) for place in (0, 15)]
    found = Explanation(("good", *"abcdefghijklmn", "fine"), ("no", "yes"), np.zeros(2), tuple(ends))
    assert highlighted(found, 0) == "[good] a b c … l m n [fine]"


def test_the_table_adds_up():
    found = explain(Predictor(by_hand()), ["not", "good", "x", "bad"])
    assert evidence_table(found, [0, 1], top=1).splitlines() == [
        "                        no       yes",
        "for no",
        "  good x           +13.000    -6.500",
        "for yes",
        "  no n-gram",
        "in all",
        "  1 other n-gram    +2.000    +1.000",
        "  bias              +0.250    -0.250",
        "  = logit          +15.250    -5.750",
    ]
    assert strongest_labels(found) == [0, 1]


def test_the_table_of_a_random_model_adds_up():
    model = random_model(labels=("a", "b", "c"), activation="tanh", maps=20)
    words = [f"w{number}" for number in range(0, 40, 3)]
    found = explain(Predictor(model), words)
    for top in (1, 3, 100):
        lines = evidence_table(found, [2, 0], top).splitlines()
        figures = [[float(value) for value in re.findall(r"[+-]\d+\.\d{3}", line)] for line in lines]
        rows = np.array([row for row in figures if row])
        assert np.abs(rows[:-1].sum(0) - rows[-1]).max() < 0.0005 * len(rows)
        assert np.abs(rows[-1] - found.logits[[2, 0]]).max() < 0.001


def test_a_terminal_obeys_no_word():
    assert shown("a\x1b[31m\ud800é\n") == "a\\x1b[31m\\ud800é"
    found = explain(Predictor(random_model(vocabulary=["\x1b[2J"], seed=1)), ["\x1b[2J", "\x07"])
    assert "\x1b" not in highlighted(found, 0) + evidence_table(found, [0, 1])

"""The fast prediction agrees with the declared net, and a text with itself alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import judged, random_model, random_sentences

from casecnn.errors import InputError, UsageError
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor, probabilities


def test_a_sentence_by_hand():
    """One window of two words, one map, vectors of one number: what pooling sees can be written down.

    pad a b pad = 0 1 -2 0 with the filter (2, 3): 0+3, 2-6, -4+0; the largest is 3, plus the bias .5.
    """
    model = TextModel(
        labels=("no", "yes"), words=("a", "b"), embeddings=(np.array([[0.0], [9], [1], [-2]]),),
        filters={2: (np.array([[[[2.0], [3]]]]), np.array([0.5]))},
        output_weight=np.array([[1.0], [-2]]), output_bias=np.array([0.25, 0.0]), pad=1, cleaning="none",
    )  # fmt: skip
    predictor = Predictor(model)
    assert predictor.scores([["a", "b"]]).tolist() == [[3.75, -7]]
    assert predictor.scores([[]]).tolist() == [[0.75, -1]]  # pad pad: 0, plus the bias
    assert predictor.scores([["unseen"]]).tolist() == [[27.75, -55]]  # 0+27 beats 18+0
    values, windows, starts = predictor.peaks(["a", "b"])
    assert (values.tolist(), windows.tolist(), starts.tolist()) == ([3.5], [2], [-1])


CASES = {
    "kim": {},
    "multichannel": {"channels": 2},
    "tanh": {"activation": "tanh"},
    "sigmoid": {"activation": "sigmoid"},
    "linear": {"activation": "none"},
    "one window": {"windows": (7,)},
    "wide": {"windows": (1, 2, 8)},
    "no pad": {"pad": 0},
    "much pad": {"pad": 9},
    "cut off": {"max_length": 5},
    "many labels": {"labels": tuple(f"l{number}" for number in range(20))},
    "multi-label": {"multi_label": True},
}


@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_the_declared_net(case):
    """Within 1e-5 of the core's float64 reference, for sentences of 0 to 29 words, some of them unknown."""
    model = random_model(**CASES[case])
    sentences = [[], ["w1"], ["never-seen"], *random_sentences(20)]
    found = Predictor(model).scores(sentences)
    wanted = np.stack([judged(model, sentence) for sentence in sentences])
    assert found.dtype == np.float32 and np.abs(wanted).max() > 1
    assert np.abs(found - wanted).max() < 1e-5


def test_it_agrees_with_the_net_that_torch_builds():
    import torch

    from casecnn.layers import Branches, Conv, Linear, MaxOverTime, Net
    from casecnn.torch_net.build import build

    torch.set_num_threads(1)
    model = random_model(maps=100, dim=300, words=60)
    sentences = random_sentences(10, words=60)
    windows = tuple(
        (Conv(f"conv{h}", 100, kernel=(h, 300), activation="relu"), MaxOverTime(f"max{h}")) for h in model.windows
    )
    module = build(Net("kim", input=(1, 40, 300), layers=(Branches("windows", windows), Linear("output", 2))))
    state = {"output.weight": model.output_weight / 20, "output.bias": model.output_bias}
    for h, (weight, bias) in model.filters.items():
        state |= {f"windows.conv{h}.weight": weight / 20, f"windows.conv{h}.bias": bias}
    module.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    scaled = TextModel(
        labels=model.labels, words=model.words, embeddings=model.embeddings, cleaning="none",
        filters={h: (weight / 20, bias) for h, (weight, bias) in model.filters.items()},
        output_weight=model.output_weight / 20, output_bias=model.output_bias,
    )  # fmt: skip
    found = Predictor(scaled).scores(sentences)
    for logits, sentence in zip(found, sentences, strict=True):
        rows = [0] * 4 + [model.rows.get(word, 1) for word in sentence] + [0] * 4
        with torch.no_grad():
            wanted = module(torch.from_numpy(model.embeddings[0][rows])[None, None]).numpy()[0]
        assert np.abs(logits - wanted).max() < 1e-5


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 60).map("w{}".format), max_size=70), max_size=12),
    st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True),
    st.integers(0, 6),
    st.sampled_from([None, 3]),
)
def test_any_sentences_any_windows(sentences, windows, pad, max_length):
    model = random_model(windows=tuple(windows), pad=pad, max_length=max_length, maps=2, dim=3)
    found = Predictor(model).scores(sentences)
    assert found.shape == (len(sentences), 2)
    for logits, sentence in zip(found, sentences, strict=True):
        assert np.abs(logits - judged(model, sentence)).max() < 1e-5


@pytest.mark.slow
def test_a_prediction_does_not_depend_on_its_companions():
    """Bit for bit: alone, in a batch, in another order, after other batches, with hardly any memory for products."""
    model = random_model(words=500, dim=50, maps=33)
    sentences = random_sentences(300, words=500, longest=60)
    together = Predictor(model).scores(sentences)
    order = np.random.default_rng(2).permutation(len(sentences))
    assert np.array_equal(Predictor(model).scores([sentences[i] for i in order]), together[order])
    used = Predictor(model)
    alone = np.concatenate([used.scores([sentence]) for sentence in sentences])
    assert np.array_equal(alone, together)
    forgetful = Predictor(model, most_bytes=0)
    assert forgetful.projection.capacity < 150
    assert np.array_equal(forgetful.scores(sentences), together)


def test_a_text_longer_than_a_chunk_is_worked_off_in_parts():
    model = random_model(words=3000)
    draw = np.random.default_rng(3)
    sentence = [f"w{number}" for number in draw.integers(0, 3000, 5000)]
    wanted = judged(model, sentence)
    for predictor in (Predictor(model), Predictor(model, most_bytes=0)):
        assert np.abs(predictor.scores([["w1"], sentence, []])[1] - wanted).max() < 1e-5
        assert predictor.read([sentence]).known_words.tolist() == [5000]


@pytest.mark.parametrize("pad", [0, 4])
def test_the_peaks_are_those_of_a_plain_search(pad):
    model = random_model(pad=pad, words=2000)
    predictor = Predictor(model)
    draw = np.random.default_rng(3)
    for length in (0, 1, 6, 25, 2000):
        sentence = [f"w{number}" for number in draw.integers(0, 2000, length)]
        rows = [0] * pad + [model.rows[word] for word in sentence] + [0] * pad
        vectors = model.embeddings[0][rows + [0] * (5 - len(rows))].astype(float)
        peaks = predictor.peaks(sentence)
        column = 0
        for h, (weight, bias) in model.filters.items():
            for number in range(len(bias)):
                places = range(len(vectors) - h + 1)
                sums = [float((weight[number, 0] * vectors[i : i + h]).sum()) + bias[number] for i in places]
                assert peaks.windows[column] == h
                assert peaks.starts[column] == int(np.argmax(sums)) - pad
                assert peaks.values[column] == pytest.approx(max(0, max(sums)), abs=1e-5)
                column += 1
        assert np.array_equal(predictor.logits(peaks.values[None])[0], predictor.scores([sentence])[0])


def test_known_words_are_words_with_a_vector():
    model = random_model(vocabulary=["good", "film", "!", ",", "(", "\\(", "...", "—", "🙂", "42", "é"], max_length=6)
    read = Predictor(model).read
    sentences = [[], ["good", "film", "!"], ["!", ",", "(", "\\(", "...", "—"], ["unseen"], ["🙂", "42", "é", "x"],
                 ["good"] * 9]  # fmt: skip
    assert read(sentences).known_words.tolist() == [0, 2, 0, 0, 3, 6]


class Vectors(dict):
    vector_size = 7


def test_words_outside_the_vocabulary_are_looked_up_in_the_vectors():
    draw = np.random.default_rng(5)
    model = random_model(channels=2)
    more = random_model(channels=2, words=90)
    new = {f"w{number}": draw.normal(0, 0.5, 7) for number in range(40, 90)}
    for channel, known in zip(more.embeddings, model.embeddings, strict=True):
        channel[:42] = known
        channel[42:] = list(new.values())
    wanted = TextModel(
        labels=model.labels, words=more.words, embeddings=more.embeddings, filters=model.filters,
        output_weight=model.output_weight, output_bias=model.output_bias, cleaning="none",
    )  # fmt: skip
    sentences = random_sentences(50, words=100)
    inside = Vectors(new) | {"w0": np.ones(7)}  # the model's own vector of w0 holds
    for most_bytes in (0, 1 << 20):
        predictor = Predictor(model, Vectors(inside), most_bytes)
        for part in (sentences[:7], sentences[7:], sentences):
            found = predictor.read(part)
            known = [sum(word != "never-seen" and int(word[1:]) < 90 for word in words) for words in part]
            assert np.abs(found.logits - Predictor(wanted).scores(part)).max() < 1e-5
            assert found.known_words.tolist() == known


def test_a_stream_of_new_words_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("casecnn.text.model.projection.MOST_FOUND", 30)
    model = random_model(words=20)
    vectors = Vectors({f"w{number}": np.full(7, number / 100) for number in range(10, 200)})
    small, large = Predictor(model, vectors, 0), Predictor(model, vectors)
    for seed in range(6):
        sentences = random_sentences(20, words=210, seed=seed)
        assert np.array_equal(small.scores(sentences), large.scores(sentences))
        assert len(small.projection._found) < 30 + 20 * 30


def test_vectors_of_another_length_are_refused():
    with pytest.raises(InputError, match="the vectors have 7 numbers a word, the model's have 9; give the vectors"):
        Predictor(random_model(dim=9), Vectors())
    with pytest.raises(InputError, match="the vectors have 3 numbers a word, the model's have 9"):
        Predictor(random_model(dim=9), {"new": np.zeros(3)}).scores([["new"]])
    with pytest.raises(InputError, match="the vector of 'new' holds numbers that are not finite"):
        Predictor(random_model(dim=3), {"new": np.array([0, np.inf, 0])}).scores([["new"]])


def test_text_in_place_of_words_is_refused():
    predictor = Predictor(random_model())
    for wrong in ("w1 w2", ["w1 w2"], [["w1"], "w2"]):
        with pytest.raises(UsageError, match="`sentences` must be lists of words, not text"):
            predictor.scores(wrong)
    with pytest.raises(UsageError, match="`words` must be a list of words, not text"):
        predictor.peaks("w1 w2")
    assert predictor.scores([]).shape == (0, 2)


def test_threads_may_share_a_predictor():
    model = random_model(words=500)
    predictor = Predictor(model, most_bytes=0)
    work = [random_sentences(60, words=500, seed=seed) for seed in range(4)]
    wanted = [Predictor(model).scores(sentences) for sentences in work]
    found = [None] * 4

    def score(number):
        for _ in range(3):
            found[number] = predictor.scores(work[number])

    threads = [threading.Thread(target=score, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_probabilities():
    """Softmax and sigmoid by hand; large logits overflow in neither."""
    assert probabilities(np.array([[0, np.log(3)]])) == pytest.approx(np.array([[0.25, 0.75]]))
    assert probabilities(np.array([[0, -np.log(3)]]), multi_label=True) == pytest.approx(np.array([[0.5, 0.25]]))
    assert probabilities(np.array([[1e4, -1e4]])).tolist() == [[1, 0]]
    assert probabilities(np.array([[1e4, -1e4]]), multi_label=True).tolist() == [[1, 0]]
    assert probabilities(np.zeros((0, 3))).shape == (0, 3)

"""Training: it learns, each variant moves what it may, seeds, resuming, weights of classes, several labels, errors."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from sentences import BAD, GOOD, sentences, vectors

from casecnn.errors import InputError, UsageError
from casecnn.interruption import Interrupted
from casecnn.text.data.labels import targets_of
from casecnn.text.data.splits import folds, hold_out
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor
from casecnn.text.training.file import _state
from casecnn.text.training.recipe import BEST, PAPER, TextRecipe, recipe_named
from casecnn.text.training.trainer import fit, measure, train
from casecnn.text.words.vectors import embedding_table
from casecnn.text.words.vocabulary import build_vocabulary

SMALL = replace(
    PAPER, rand_range=1.0, windows=(2, 3), maps=12, dim=8, batch_size=20, epochs=8, variant="static", filter_range=0.1
)
TEXTS, LABELS = sentences(240)

pytestmark = pytest.mark.usefixtures("one_thread")


def fitted(texts=TEXTS, labels=LABELS, recipe=SMALL, **options):
    if recipe.variant != "rand":
        options.setdefault("vectors", [vectors()])
    return fit(texts, labels, recipe, progress=False, device="cpu", **options)


def accuracy(model: TextModel, texts, labels) -> float:
    logits = Predictor(model).scores([text.split() for text in texts])
    return float(np.mean([model.labels[i] == label for i, label in zip(logits.argmax(1), labels, strict=True)]))


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["rand", "static", "non-static", "multichannel"])
def test_each_variant_learns_and_trains_only_what_it_may(variant):
    done = fitted(recipe=replace(SMALL, variant=variant, epochs=25, batch_size=10))
    assert accuracy(done.model, *sentences(200, seed=9)) > 0.9
    assert done.model.labels == ("negative", "positive") and done.dev is not None and done.held_out == 24
    assert len(done.model.embeddings) == (2 if variant == "multichannel" else 1)
    vocabulary = build_vocabulary([text.split() for text in TEXTS])
    # The words of the held-out part that the vectors lack are unknown; compare those that are there.
    table, _ = embedding_table(vocabulary, [] if variant == "rand" else [vectors()], 8, SMALL.rand_range, 0)
    start = dict(zip(vocabulary.words, table[2:], strict=True))
    for number, channel in enumerate(done.model.embeddings):
        moved = [word for word, row in zip(done.model.words, channel[2:], strict=True) if (row != start[word]).any()]
        assert (len(moved) > 20) is (variant in ("rand", "non-static") or number == 1)
        assert not channel[0].any()


def test_the_same_seed_gives_the_same_bits_and_another_other_ones():
    short = replace(SMALL, epochs=2, variant="non-static")
    first, again, other = (fitted(recipe=short, seed=seed).model for seed in (3, 3, 4))
    for name in ("output_weight", "output_bias"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name))
    assert np.array_equal(first.embeddings[0], again.embeddings[0])


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bits(tmp_path, monkeypatch):
    recipe = replace(SMALL, epochs=4, variant="non-static", ema_decay=0.9)
    whole = fitted(recipe=recipe, output=tmp_path / "whole").model
    import casecnn.text.training.trainer as training

    calls = iter(range(100))
    plain = training.measure

    def stop(*arguments):
        if next(calls) == 1:
            import signal

            signal.raise_signal(signal.SIGINT)
        return plain(*arguments)

    monkeypatch.setattr(training, "measure", stop)
    with pytest.raises(Interrupted):
        fitted(recipe=recipe, output=tmp_path / "half")
    monkeypatch.setattr(training, "measure", plain)
    resumed = fitted(recipe=recipe, output=tmp_path / "half").model
    assert np.array_equal(resumed.output_weight, whole.output_weight)
    assert np.array_equal(resumed.embeddings[0], whole.embeddings[0])
    assert "resume" in (tmp_path / "half" / "log.jsonl").read_text()


def test_other_vectors_under_the_same_name_begin_anew(tmp_path):
    file = tmp_path / "v.txt"
    file.write_text("good 1 2\n")
    before = _state(str(file))
    file.write_text("good 2 1\n")
    os.utime(file, ns=(1, 1))
    assert before != _state(str(file)) and _state("glove-6b-50d") == []


def test_rows_of_the_output_layer_stay_within_the_limit():
    limited = fitted(recipe=replace(SMALL, max_norm=0.2)).model.output_weight
    free = fitted(recipe=replace(SMALL, max_norm=None)).model.output_weight
    assert np.linalg.norm(limited, axis=1).max() <= 0.2 + 1e-6 < np.linalg.norm(free, axis=1).max()


def test_the_last_of_the_best_epochs_is_kept(tmp_path):
    done = fitted(recipe=replace(SMALL, epochs=12), output=tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    figures = [row["validation"]["accuracy"] for row in rows if row.get("event") == "evaluation"]
    assert len(figures) == 12 and figures.count(max(figures)) > 1
    assert done.epoch == 12 - figures[::-1].index(max(figures)) and done.dev["accuracy"] == max(figures)


def test_unknown_words_are_the_mean_of_those_that_occur_once():
    texts, labels = [*TEXTS, "good quirky", "bad ghastly"], [*LABELS, "positive", "negative"]
    model = fitted(texts, labels, replace(SMALL, variant="non-static", dev_share=0.0)).model
    once = [model.words.index(word) + 2 for word in ("quirky", "ghastly")]
    assert np.allclose(model.embeddings[0][1], model.embeddings[0][once].mean(0), atol=1e-6)
    assert "quirky" not in fitted(texts, labels, replace(SMALL, min_count=2, epochs=1)).model.words


def test_words_of_other_texts_and_of_the_vectors_come_in_where_the_vectors_have_them():
    one = replace(SMALL, epochs=1)
    assert "unseen" not in fitted(recipe=one).model.words
    model = fitted(recipe=one, other_texts=["an unseen xyzzy"]).model
    assert "unseen" in model.words and "xyzzy" not in model.words
    wide = fitted(recipe=replace(one, extra_words=100)).model
    assert set(vectors().words) <= set(wide.words)


def test_class_weights_make_the_rare_label_count():
    """Sentences that say nothing: only the prior can be learned, so a weight decides which label wins."""
    texts, labels = ["the film was the film"] * 60, ["often"] * 40 + ["seldom"] * 20
    recipe = replace(SMALL, dev_share=0.0, epochs=12)

    def share(**options):
        model = fitted(texts, labels, recipe, **options).model
        logits = Predictor(model).scores([texts[0].split()])[0]
        return 1 / (1 + np.exp(logits[0] - logits[1]))

    assert abs(share() - 1 / 3) < 0.08 and abs(share(class_weight="balanced") - 1 / 2) < 0.08
    assert abs(share(class_weight={"seldom": 8.0}) - 0.8) < 0.08
    assert abs(share(sample_weight=[1.0] * 40 + [8.0] * 20) - 0.8) < 0.08


@pytest.mark.slow
def test_several_labels_a_text():
    texts = [text + (" and the end is long" if n % 3 == 0 else "") for n, text in enumerate(TEXTS)]
    labels = [[label] * (n % 4 != 0) + ["long"] * (n % 3 == 0) for n, label in enumerate(LABELS)]
    texts = [text if n % 4 else text.replace(LABELS[n], "") for n, text in enumerate(texts)]
    done = fitted(texts, labels, replace(SMALL, epochs=60, batch_size=10), multi_label=True)
    assert done.model.multi_label and done.model.labels == ("long", "negative", "positive")
    logits = Predictor(done.model).scores([["the", "good", "film", "and", "the", "end", "is", "long"], ["bad"]])
    assert (logits[:, 0] > 0).tolist() == [True, False] and logits[1, 1] > logits[0, 1]


def test_given_validation_texts_are_used_and_nothing_is_held_out():
    done = fitted(recipe=replace(SMALL, epochs=2), validation=sentences(50, seed=3))
    assert done.texts == 240 and done.held_out == 50
    with pytest.raises(InputError, match="has the label 'fine'; the labels are 'negative', 'positive'"):
        fitted(validation=(["good"], ["fine"]))


def test_small_data_are_gone_through_more_often():
    recipe = replace(SMALL, least_steps=100, epochs=4)
    assert recipe.steps(30, 0).steps == 100 and recipe.steps(2000, 0).steps == 400
    assert fitted(TEXTS[:30], LABELS[:30], recipe).epoch <= 50


@pytest.mark.parametrize(
    ("texts", "labels", "options", "message"),
    [
        ([], [], {}, "there are no texts to learn from"),
        ("good film", ["a"], {}, "must be a sequence of strings, not a single one"),
        (["a", "b"], ["x"], {}, "there are 2 texts and 1 labels"),
        (["a", "b"], ["x", "x"], {}, "all 2 texts have the label 'x'; to tell labels apart"),
        (["a", None], ["x", "y"], {}, "text 2 is NoneType, not a string"),
        (["qqq", "zzz"], ["x", "y"], {}, "none of the 2 words of the texts is in the vectors"),
        (["\u0434\u0430", ""], ["x", "y"], {}, "the cleaning 'mr' drops 100 % of the letters: it is for English; set"),
        (["good", "bad"], ["x", "y"], {"class_weight": {"z": 1}}, "`class_weight` names 'z'; the labels are 'x', 'y'"),
        (["good", "bad"], ["x", "y"], {"class_weight": "even"}, "must be 'balanced' or a number for each label"),
        (["good", "bad"], ["x", "y"], {"sample_weight": [1, -1]}, "must be 2 numbers of at least 0"),
        (["good", "bad"], ["x", "y"], {"multi_label": True}, "'x' must be a list of labels"),
        (["good", "bad"], ["x", "y"], {"vectors": []}, "needs word vectors"),
        (["good", "bad"], ["x", "y"], {"recipe": replace(SMALL, variant="rand"), "vectors": [vectors()]}, "takes no"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(texts, labels, options, message):
    with pytest.raises((InputError, UsageError), match=message):
        fitted(texts, labels, **options)


@pytest.mark.parametrize("texts", [["good", "bad"], ["", "", "good"], ["good " * 30_000, "bad"], ["!?", "good", "bad"]])
def test_little_and_odd_data_are_enough(texts):
    model = fitted(texts, ["x", *["y"] * (len(texts) - 1)], replace(SMALL, epochs=2)).model
    assert np.isfinite(Predictor(model).scores([[], ["good"] * 50])).all()


def test_labels_are_ordered_by_value_or_by_alphabet():
    assert targets_of([10, 9, "2.5"], 3).names == ("2.5", "9", "10")
    assert targets_of(["b", "a", "10", "9"], 4).names == ("10", "9", "a", "b")
    assert targets_of([True, False], 2).names == ("False", "True")
    assert targets_of(["nan", "inf", "1"], 3).names == ("1", "inf", "nan")
    assert targets_of(["b"], 1, classes=["b", "a"]).values.tolist() == [0]


def test_held_out_parts_and_folds_are_even_and_seeded():
    targets = targets_of(["a"] * 60 + ["b"] * 39 + ["c"], 100)
    chosen, held = hold_out(targets, 0.1, 5)
    assert sorted([*chosen, *held]) == list(range(100)) and len(held) == 10
    assert np.bincount(targets.values[held], minlength=3).tolist() == [6, 4, 0]
    assert np.array_equal(hold_out(targets, 0.1, 5)[1], held) and not np.array_equal(hold_out(targets, 0.1, 6)[1], held)
    assert len(hold_out(targets, 0.01, 5)[1]) == 0
    parts = folds(targets, 10, 5)
    assert sorted(np.concatenate(parts).tolist()) == list(range(100)) and {len(part) for part in parts} == {10}
    assert {tuple(np.bincount(targets.values[p], minlength=3)[:1]) for p in parts} == {(6,)}
    with pytest.raises(UsageError, match=r"`folds` \(=1\) must be from 2 to the number of texts \(100\)"):
        folds(targets, 1, 0)


def test_figures_by_hand():
    targets = targets_of(["a", "b", "b", "c"], 4)
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]], np.float32))
    figures = measure(logits, targets)
    assert figures["accuracy"] == 0.5 and figures["log_loss"] == pytest.approx(
        -np.mean(np.log([0.7, 0.4, 0.8, 0.1])), rel=1e-5
    )
    assert figures["macro_f1"] == pytest.approx(np.mean([2 / 3, 1 / 2, 0]))
    several = targets_of([["a"], ["a", "b"], []], 3, multi_label=True)
    figures = measure(np.array([[1.0, -1], [1, -1], [-1, -1]], np.float32), several)
    assert figures["accuracy"] == pytest.approx(2 / 3) and figures["macro_f1"] == 0.5


def test_recipes_hold_the_papers_numbers_and_refuse_others():
    assert (PAPER.windows, PAPER.maps, PAPER.dropout, PAPER.batch_size, PAPER.epochs) == ((3, 4, 5), 100, 0.5, 50, 25)
    assert (PAPER.rho, PAPER.lr, PAPER.max_norm, PAPER.filter_range, PAPER.ema_decay) == (0.95, 1.0, 1.5, 0.01, None)
    assert (PAPER.dev_share, PAPER.keep, PAPER.activation, PAPER.rand_range) == (0.1, "best", "relu", 0.25)
    assert recipe_named("best", maps=50, epochs=None) == replace(BEST, maps=50)
    assert recipe_named("best", epochs=3) == replace(BEST, epochs=3, least_steps=0)  # what was asked for, not more
    assert recipe_named("best", epochs=3, least_steps=9).least_steps == 9
    assert TextRecipe(**PAPER.to_dict()) == PAPER
    for change, message in (
        ({"variant": "dynamic"}, r"`variant` \(=dynamic\) must be one of rand, static, non-static, multichannel"),
        ({"windows": ()}, r"`windows` must be at least one whole number"),
        ({"dropout": 1.0}, r"`dropout` \(=1.0\) must be a number of at least 0 and below 1"),
        ({"batch_size": 0}, r"`batch_size` \(=0\) must be a whole number of at least 1"),
        ({"lr": -1.0}, r"`lr` \(=-1.0\) must be a number above 0"),
        ({"max_length": 0}, r"`max_length` \(=0\) must be a whole number of at least 1"),
    ):
        with pytest.raises(UsageError, match=message):
            replace(PAPER, **change)
    with pytest.raises(UsageError, match=r"`recipe` \(=good\) must be one of paper, best"):
        recipe_named("good")


def test_train_gives_the_model_and_the_model_says_how_it_was_made(tmp_path):
    model = train(TEXTS, LABELS, replace(SMALL, epochs=1), vectors=[vectors()], progress=False, seed=7,
                  metadata={"command": "by hand"})  # fmt: skip
    path = tmp_path / "model.safetensors"
    model.save(path)
    facts = TextModel.load(path).metadata
    assert facts["seed"] == "7" and facts["command"] == "by hand" and facts["vectors"] == "made up"
    assert TextRecipe(**json.loads(facts["recipe"])) == replace(SMALL, epochs=1)
    assert set(GOOD) | set(BAD) <= set(model.words)


@pytest.mark.slow
def test_new_words_are_read_by_their_letters():
    """A model with n-grams answers for words that it never met, by their stems."""
    stems, texts, labels = {"pos": "lovel brillian wonder".split(), "neg": "terribl aweful ghastl".split()}, [], []
    for label, parts in stems.items():
        for stem in parts:
            for ending in ("y", "ish", "er", "est", "ness"):
                texts += [f"the room was {stem}{ending}", f"{stem}{ending} it is"]
                labels += [label, label]
    recipe = replace(SMALL, variant="rand", epochs=60, subwords=500, dev_share=0.0)
    made = fit(texts, labels, recipe, progress=False).model
    assert made.subwords.shape == (500, made.dim)
    scores = Predictor(made).scores([[f"{stem}ly"] for stem in (*stems["neg"], *stems["pos"])])
    assert scores.argmax(axis=1).tolist() == [0, 0, 0, 1, 1, 1]


def test_texts_in_another_language_are_refused_with_the_option_that_takes_them(capsys):
    """Digits and a brand among them are no reason to train on those alone; a few letters lost are a warning."""
    texts, labels = ["很好 iPad 5", "电影很差，不要看", "非常喜欢这个酒店"], ["x", "y", "x"]
    with pytest.raises(InputError, match=r"^the cleaning 'folded' drops 77 % of the letters: .*`tokens` to 'unicode'"):
        fit(texts, labels, replace(BEST, variant="rand"), progress=False)
    recipe = replace(SMALL, variant="rand", epochs=1, dev_share=0.0)
    fit(["un très bon film łódź", "ein schöner Abend"], ["x", "y"], replace(recipe, cleaning="folded"), progress=False)
    assert "the cleaning 'folded' drops 3" in capsys.readouterr().err
    for rule in ("unicode", "characters"):
        assert fit(texts, labels, replace(recipe, cleaning=rule), progress=False).model.cleaning == rule
    assert capsys.readouterr().err == ""

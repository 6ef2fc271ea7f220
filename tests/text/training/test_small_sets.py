"""Small sets: their training ends where nothing is left to learn, with one thread; and texts numbered as they come."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from casecnn.cli import main
from casecnn.text.model.classify import Classifier
from casecnn.text.training import trainer
from casecnn.text.training.recipe import BEST
from casecnn.text.training.trainer import FEW, fit
from casecnn.text.words.cleaning import folded
from casecnn.text.words.vocabulary import UNKNOWN, Numbering, build_vocabulary, vocabulary_of

SMALL = replace(BEST, dim=20, maps=8, variant="rand")


def simple(count):
    draw = random.Random(0)
    rooms = "phone film soup room app chair".split()
    words = ["warm lovely superb kind".split(), "dull noisy sour rude".split()]
    rows = [(f"the {draw.choice(rooms)} was {draw.choice(words[n % 2])}", ["pos", "neg"][n % 2]) for n in range(count)]
    return [text for text, _ in rows], [label for _, label in rows]


@pytest.mark.slow
def test_a_small_set_ends_early_and_is_learned():
    texts, labels = simple(100)
    before = torch.get_num_threads()
    done = fit(texts, labels, SMALL, progress=False)
    assert done.epoch * 2 < BEST.least_steps / 4 and done.dev["accuracy"] == 1  # two steps an epoch
    assert torch.get_num_threads() == before
    again = fit(texts, labels, SMALL, progress=False)
    assert np.array_equal(done.model.output_weight, again.model.output_weight)


@pytest.mark.slow
def test_nothing_ends_early_that_was_asked_for_by_epochs_or_has_not_been_learned(monkeypatch):
    texts, labels = simple(40)
    asked = fit(texts, labels, replace(SMALL, epochs=90, least_steps=0, dev_share=0.0), progress=False)
    assert asked.epoch == 90
    random.Random(1).shuffle(labels)
    monkeypatch.setattr(trainer, "LEARNED", 0.0)
    whole = fit(texts, labels, replace(SMALL, least_steps=120, dev_share=0.0), progress=False)
    assert whole.epoch == 120


def test_threads_are_as_they_were(monkeypatch):
    seen = []
    monkeypatch.setattr(trainer, "train_loop", lambda *_, **__: seen.append(torch.get_num_threads()) or 1 / 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for count in (100, FEW + 10):
            with pytest.raises(ZeroDivisionError):
                fit(*simple(count), replace(SMALL, dev_share=0.0), progress=False)
        assert seen == [1, 2] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_texts_numbered_as_they_come_are_those_of_the_vocabulary():
    texts = ["A good, good film!", "", "the bad film", "film"]
    cleaned = [folded(text) for text in texts]
    numbering = Numbering()
    first = numbering.add(texts[:2], folded)
    counts = numbering.counts(first)
    assert counts == {"a": 1, "good": 2, ",": 1, "film": 1, "!": 1}
    vocabulary = vocabulary_of(counts, 1, ["bad"])
    assert vocabulary.words == build_vocabulary(cleaned[:2], 1, ["bad"]).words
    both = numbering.add(texts, folded)
    found = numbering.as_in(both, vocabulary)
    wanted = vocabulary.encode(cleaned)
    assert np.array_equal(found.words, wanted.words) and np.array_equal(found.offsets, wanted.offsets)
    assert found[2].tolist()[0] == UNKNOWN
    short = numbering.as_in(both, vocabulary, 2)
    assert [short[n].tolist() for n in range(4)] == [vocabulary.encode(cleaned, 2)[n].tolist() for n in range(4)]
    taken = both.take(np.array([3, 0, 3, 1]))
    assert [taken[n].tolist() for n in range(4)] == [both[n].tolist() for n in (3, 0, 3, 1)]


def test_blocks_of_texts_are_copied_one_after_the_other(monkeypatch):
    numbering = Numbering()
    texts = numbering.add([" ".join("abcdef"[: n % 7]) for n in range(50)], str.split)
    order = np.random.default_rng(0).permutation(50)
    whole = texts.take(order)
    monkeypatch.setattr("casecnn.text.words.vocabulary._BLOCK", 7)
    assert np.array_equal(texts.take(order).words, whole.words) and np.array_equal(
        texts.cut(3).words, texts.cut(3).words
    )
    assert [texts.cut(3)[n].tolist() for n in range(50)] == [texts[n].tolist()[:3] for n in range(50)]


@pytest.mark.slow
def test_a_column_for_each_label_through_the_commands(tmp_path, capsys):
    texts, labels = simple(60)
    file = tmp_path / "d.csv"
    rows = [f"{text},{int(label == 'pos')},{int(label == 'neg')},{int('app' in text)}" for text, label in
            zip(texts, labels, strict=True)]  # fmt: skip
    file.write_text("text,praise,complaint,app\n" + "\n".join(rows) + "\n")
    model = tmp_path / "m.safetensors"
    columns = ["--label-columns", "praise, complaint,app"]
    code = main(["text", "train", str(file), "-o", str(model), "--filters", "8", *columns, "--format", "json"])
    out, err = capsys.readouterr()
    assert code == 0 and json.loads(out)["labels"] == ["app", "complaint", "praise"], err
    (answer,) = Classifier(model).classify(["the app was warm"])
    assert set(answer.label) == {"praise", "app"}
    code = main(["text", "eval", str(model), str(file), *columns, "--format", "json"])
    out, err = capsys.readouterr()
    assert code == 0 and json.loads(out)["accuracy"] > 0.95
    for options, message in (
        (
            ["--label-columns", "praise,stars"],
            "has no column 'stars'; its columns are 'text', 'praise', 'complaint', 'app'",
        ),
        (["--label-columns", "praise", "--label-column", "app"], "cannot be given together; choose one of them"),
    ):
        assert main(["text", "train", str(file), "-o", str(model), *options]) in (1, 2)
        assert message in capsys.readouterr().err

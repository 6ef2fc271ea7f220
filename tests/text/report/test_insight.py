"""What people look at who decide by a model: its card, its mistakes, its words, and what it takes for alike."""

import dataclasses
import json

import numpy as np
import pytest
from random_models import random_model

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.text.model.classify import Classifier
from casecnn.text.model.explain import explain
from casecnn.text.model.neighbours import neighbours
from casecnn.text.report.card import card, card_text
from casecnn.text.report.class_words import class_words
from casecnn.text.report.mistakes import mistakes_text, worst_mistakes
from casecnn.text.report.page import page

WORDS = tuple("a good bad film dull fine plot of the and".split())
TEXTS = ["a good film", "the bad plot", "dull and bad", "fine", "", "a good film", "the fine plot of a film"]


@pytest.fixture
def model():
    return random_model(vocabulary=WORDS, dim=4, maps=5)


@pytest.fixture
def model_file(model, tmp_path):
    path = tmp_path / "model.safetensors"
    dataclasses.replace(
        model, metadata={"data": "my.csv", "held_out": '{"texts": 9, "accuracy": 0.5}', "by": "me"}
    ).save(path)
    return path


@pytest.fixture
def data(tmp_path, model):
    answers = Classifier(model).classify(TEXTS)
    labels = [model.labels[1 - answer.chosen[0]] if n % 2 else answer.label for n, answer in enumerate(answers)]
    path = tmp_path / "d.csv"
    path.write_text("text,label\n" + "".join(f'"{t}",{k}\n' for t, k in zip(TEXTS, labels, strict=True)))
    return path, labels


def run(capsys, *arguments):
    code = main(["text", *map(str, arguments)])
    return code, *capsys.readouterr()


# Mistakes


def test_the_surest_mistakes_come_first_with_their_evidence(model, data):
    classifier = Classifier(model)
    found = worst_mistakes(classifier, TEXTS, data[1])
    assert sorted(mistake.text for mistake in found) == [1, 3, 5]
    chances = [mistake.answer.probability for mistake in found]
    assert chances == sorted(chances, reverse=True)
    for mistake in found:
        assert mistake.label == data[1][mistake.text] != mistake.answer.label
        explanation = explain(classifier.predictor, classifier.clean(TEXTS[mistake.text]))
        best = explanation.evidence_for(mistake.answer.chosen[0], 3)
        assert mistake.evidence() == [explanation.ngram(piece) for piece in best]
    assert worst_mistakes(classifier, TEXTS, data[1], top=1) == found[:1] or len(found) == 3
    text = mistakes_text(found)
    assert text.count("taken for") == 3 and f"row {found[0].text + 1}: " in text
    right = [answer.label for answer in classifier.classify(TEXTS)]
    assert mistakes_text(worst_mistakes(classifier, TEXTS, right)) == "no text has a wrong label"


def test_mistakes_that_cannot_be_shown(model):
    with pytest.raises(InputError, match="has labels that the model does not: 'odd'"):
        worst_mistakes(Classifier(model), ["a"], ["odd"])
    with pytest.raises(InputError, match="of models that give one label"):
        worst_mistakes(Classifier(dataclasses.replace(model, multi_label=True)), ["a"], [("positive",)])
    with pytest.raises(UsageError, match=r"`top` \(=0\)"):
        worst_mistakes(Classifier(model), ["a"], [model.labels[0]], top=0)


def test_the_command_shows_mistakes(model_file, data, capsys):
    code, out, err = run(capsys, "errors", model_file, data[0], "--format", "json", "--top", 2)
    rows = json.loads(out)
    assert (code, err, len(rows)) == (0, "", 2) and {"row", "label", "given", "probability", "text", "evidence"} == set(
        rows[0]
    )
    code, out, err = run(capsys, "errors", model_file, data[0])
    assert (code, err) == (0, "") and out.count("because of") == 3
    assert run(capsys, "errors", model_file, data[0], "--top", 0)[0] == 2


# Words of classes


@pytest.mark.parametrize("part", [None, 2])
def test_the_contributions_of_all_ngrams_add_up_to_the_logits(model, part):
    classifier = Classifier(dataclasses.replace(model, part=part))
    found = class_words(classifier, TEXTS, progress=False)
    logits = classifier.predictor.scores([classifier.clean(text) for text in TEXTS]).sum(0)
    total = sum(entry.contributions for entry in found.influences) + found.rest
    assert total == pytest.approx(logits, abs=1e-4) and found.logits == pytest.approx(logits, abs=1e-4)
    for entry in found.influences:
        assert 0 < entry.texts <= sum(f" {entry.ngram} " in f" {text} " for text in TEXTS)
    for label in range(2):
        supports = [(e.contributions - e.contributions.mean())[label] for e in found.strongest(label, 100)]
        assert supports == sorted(supports, reverse=True) and min(supports) > 0
    assert len(found.strongest(0, 2)) == 2
    with pytest.raises(InputError, match="there is no text to explain"):
        class_words(classifier, [], progress=False)


def test_the_command_shows_words(model_file, data, capsys):
    code, out, err = run(capsys, "words", model_file, data[0], "--format", "json", "--top", 3)
    found = json.loads(out)
    assert (code, found["texts"]) == (0, len(TEXTS)) and all(len(rows) == 3 for rows in found["labels"].values())
    code, out, err = run(capsys, "words", model_file, data[0], "--top", 2)
    assert code == 0 and out.count("for ") == 2 and len(out.splitlines()) == 9


# Neighbours


def test_neighbours_are_those_of_the_cosine():
    words = ("up", "high", "down", "none", "Side")
    matrix = np.array([[2, 0], [3, 0.3], [-1, 0], [0, 0], [0, 5]], np.float32)
    found = neighbours("up", words, matrix, 3)
    assert [name for name, _ in found] == ["high", "Side", "down"]
    assert [value for _, value in found] == pytest.approx([0.995, 0, -1], abs=1e-3)
    assert neighbours("UP", words, matrix, 1) == neighbours("up", words, matrix, 1)
    with pytest.raises(InputError, match=r"the word 'hihg' is not among the 5 words; did you mean high\?"):
        neighbours("hihg", words, matrix)
    with pytest.raises(InputError, match="the vector of 'none' is zero"):
        neighbours("none", words, matrix)


def test_the_command_shows_neighbours(model_file, tmp_path, capsys):
    code, out, err = run(capsys, "neighbours", "good", "--weights", model_file, "--format", "json", "--top", 4)
    assert (code, err, len(json.loads(out))) == (0, "", 4)
    (tmp_path / "v.txt").write_text("good 1 0\nfine 1 0.1\nbad -1 0\n")
    code, out, err = run(capsys, "neighbours", "good", "--vectors", tmp_path / "v.txt")
    assert (code, err, out) == (0, "", "0.9950  fine\n-1.0000  bad\n")
    code, out, err = run(capsys, "neighbours", "zzz", "--weights", model_file)
    assert (code, out) == (1, "") and "the word 'zzz' is not among the 10 words" in err


# Cards


def test_the_card_of_a_file(model_file, model, capsys):
    found = card(model_file)
    assert (
        found["labels"] == list(model.labels) and found["words"] == 10 and found["bytes"] == model_file.stat().st_size
    )
    assert found["training"] == {"data": "my.csv", "held_out": {"texts": 9, "accuracy": 0.5}, "other": {"by": "me"}}
    code, out, err = run(capsys, "show", model_file)
    assert (code, err, out) == (0, "", card_text(found) + "\n")
    assert "held out" in out and "9 texts: accuracy 0.5000" in out and "my.csv" in out
    assert json.loads(run(capsys, "show", model_file, "--format", "json")[1]) == found


@pytest.mark.parametrize("name", ["sentiment", "question", "sst2"])
def test_the_card_of_a_packaged_model_has_its_figures(name, capsys):
    code, out, err = run(capsys, "show", name)
    assert (code, err) == (0, "") and "licence" in out and "casecnn text eval" in out
    assert card(name)["name"].startswith({"sst2": "sentiment"}.get(name, name) + ".")


def test_a_card_whose_metadata_are_broken(model, tmp_path):
    path = tmp_path / "m"
    dataclasses.replace(model, metadata={"recipe": "{", "held_out": "[1]"}).save(path)
    assert card(path)["training"] == {} and "labels" in card_text(card(path))


# The page


def test_the_page_holds_every_text_and_nothing_of_it_is_html(model_file, tmp_path, capsys):
    texts = tmp_path / "t.txt"
    texts.write_text("a good film\n<script>alert(1)</script>\n\nfilm & <b>plot</b> \x1b[2J\n")
    out = tmp_path / "page.html"
    code, printed, err = run(capsys, "report", model_file, texts, "-o", out)
    assert (code, printed, err) == (0, f"{out}\n", "")
    page = out.read_text(encoding="utf-8")
    assert page.count("<tr>") >= 5 and "<script" not in page and "<b>" not in page and "\x1b" not in page
    assert "http" not in page and "src=" not in page  # it needs nothing else
    assert page.count("<mark") == page.count("</mark>") > 0 and "(empty)" in page and page.endswith("</html>\n")
    code, _, _ = run(capsys, "report", model_file, texts, "-o", out, "--unsure", "0.9999")
    assert code == 0 and "unsure" in out.read_text(encoding="utf-8")


def test_the_page_never_replaces_the_texts(model_file, tmp_path, capsys):
    texts = tmp_path / "t.txt"
    texts.write_text("a good film\n")
    code, _, err = run(capsys, "report", model_file, texts, "-o", texts)
    assert code == 2 and "is read here and never overwritten" in err and texts.read_text() == "a good film\n"
    code, _, err = run(capsys, "report", model_file, tmp_path / "none", "-o", tmp_path / "p.html")
    assert code == 1 and "there is no such file" in err and not (tmp_path / "p.html").exists()


def test_a_page_shows_only_so_many_texts(model, monkeypatch):
    monkeypatch.setattr("casecnn.text.report.page.MOST_TEXTS", 3)
    answers = Classifier(model).classify(TEXTS, explained=True)
    found = "".join(page(answers, {"name": "m", "labels": model.labels}))
    assert f"The first 3 of {len(TEXTS)} texts are shown." in found and found.count("<td>") < 3 * 2 + 5
